/*
 * loader/resources.S
 *     Files of the tree, embedded: each is a terminated string of resources.h.
 */
    .macro resource name, file
    .global \name
    .type \name, %object
\name:
    .incbin "\file"
    .byte 0
    .size \name, . - \name
    .endm

    .section .rodata
    resource resource_http_log_avsc, "schemas/http_log.avsc"
    resource resource_web_log_avsc, "schemas/web_log.avsc"
    resource resource_tables_sql, "sql/postgres/tables.sql"
    resource resource_http_log_month_sql, "sql/postgres/http_log_month.sql"
    resource resource_upgrade_sql, "sql/postgres/upgrade.sql"
    resource resource_session_mark_sql, "sql/postgres/session_mark.sql"
    resource resource_partition_sql, "sql/postgres/partition.sql"
    resource resource_session_state_sql, "sql/postgres/session_state.sql"
    resource resource_session_report_sql, "sql/postgres/session_report.sql"
    resource resource_campaign_conversions_sql, "sql/postgres/campaign_conversions.sql"
    resource resource_forget_sql, "sql/postgres/forget.sql"
    resource resource_unload_sql, "sql/postgres/unload.sql"
    resource resource_campaign_engagement_sql, "sql/postgres/campaign_engagement.sql"
    resource resource_weekly_rewards_sql, "sql/postgres/weekly_rewards.sql"
    resource resource_reward_interaction_sql, "sql/postgres/reward_interaction.sql"
    resource resource_redshift_tables_sql, "sql/redshift/tables.sql"
    resource resource_redshift_session_event_sql, "sql/redshift/session_event.sql"
    resource resource_redshift_session_items_sql, "sql/redshift/session_items.sql"
    resource resource_redshift_session_report_sql, "sql/redshift/session_report.sql"
    resource resource_redshift_sessions_sql, "sql/redshift/sessions.sql"
    resource resource_redshift_refresh_sessions_sql, "sql/redshift/refresh_sessions.sql"
    resource resource_redshift_campaign_engagement_sql, "sql/redshift/campaign_engagement.sql"
    resource resource_redshift_weekly_rewards_sql, "sql/redshift/weekly_rewards.sql"
    resource resource_shape_check_sql, "loader/sql/shape_check.sql"
    resource resource_init_owners_sql, "loader/sql/init_owners.sql"
    resource resource_partition_check_sql, "loader/sql/partition_check.sql"
    resource resource_ledger_find_sql, "loader/sql/ledger_find.sql"
    resource resource_unload_find_sql, "loader/sql/unload_find.sql"
    resource resource_unload_lock_sql, "loader/sql/unload_lock.sql"
    resource resource_unload_batches_sql, "loader/sql/unload_batches.sql"
    resource resource_status_files_sql, "loader/sql/status_files.sql"
    resource resource_status_running_sql, "loader/sql/status_running.sql"
    resource resource_status_rejects_sql, "loader/sql/status_rejects.sql"
    resource resource_table_columns_sql, "loader/sql/table_columns.sql"
    resource resource_table_find_sql, "loader/sql/table_find.sql"
    resource resource_batch_claim_sql, "loader/sql/batch_claim.sql"
    resource resource_batch_find_sql, "loader/sql/batch_find.sql"
    resource resource_batch_finish_sql, "loader/sql/batch_finish.sql"
    resource resource_batch_guard_sql, "loader/sql/batch_guard.sql"
    resource resource_batch_owner_sql, "loader/sql/batch_owner.sql"
    resource resource_batch_rejects_sql, "loader/sql/batch_rejects.sql"
    resource resource_file_lock_sql, "loader/sql/file_lock.sql"
    resource resource_file_wait_sql, "loader/sql/file_wait.sql"
    resource resource_file_unlock_sql, "loader/sql/file_unlock.sql"
    resource resource_file_settle_sql, "loader/sql/file_settle.sql"
    resource resource_truncate_done_sql, "loader/sql/truncate_done.sql"
    resource resource_source_find_sql, "loader/sql/source_find.sql"
    resource resource_screen_plan_sql, "loader/sql/screen_plan.sql"
    resource resource_stage_plan_sql, "loader/sql/stage_plan.sql"
    resource resource_serve_session_sql, "loader/sql/serve_session.sql"
    resource resource_serve_recommend_sql, "loader/sql/serve_recommend.sql"
    resource resource_serve_similar_sql, "loader/sql/serve_similar.sql"
    resource resource_serve_report_sql, "loader/sql/serve_report.sql"
    resource resource_serve_health_sql, "loader/sql/serve_health.sql"
    resource resource_openapi_json, "loader/web/openapi.json"
    resource resource_page_html, "loader/web/page.html"
    resource resource_report_html, "loader/web/report.html"
    resource resource_report_css, "loader/web/report.css"

    .section .note.GNU-stack, ""
