/*
 * loader/resources.h
 *     Files of the tree that are embedded in the program, as terminated text.
 */
#ifndef LOADER_RESOURCES_H
#define LOADER_RESOURCES_H

extern const char resource_http_log_avsc[];
extern const char resource_web_log_avsc[];

/* sql/postgres: what init puts in place. */
extern const char resource_tables_sql[];
extern const char resource_http_log_month_sql[];
extern const char resource_upgrade_sql[];
extern const char resource_session_mark_sql[];
extern const char resource_partition_sql[];
extern const char resource_session_state_sql[];
extern const char resource_session_report_sql[];
extern const char resource_campaign_conversions_sql[];
extern const char resource_forget_sql[];
extern const char resource_unload_sql[];
extern const char resource_campaign_engagement_sql[];
extern const char resource_weekly_rewards_sql[];
extern const char resource_reward_interaction_sql[];

/* sql/redshift: what init --target redshift puts in place. */
extern const char resource_redshift_tables_sql[];
extern const char resource_redshift_session_event_sql[];
extern const char resource_redshift_session_items_sql[];
extern const char resource_redshift_session_report_sql[];
extern const char resource_redshift_sessions_sql[];
extern const char resource_redshift_refresh_sessions_sql[];
extern const char resource_redshift_campaign_engagement_sql[];
extern const char resource_redshift_weekly_rewards_sql[];

/* loader/sql: statements of the program's own. */
extern const char resource_shape_check_sql[];
extern const char resource_init_owners_sql[];
extern const char resource_partition_check_sql[];
extern const char resource_ledger_find_sql[];
extern const char resource_unload_find_sql[];
extern const char resource_unload_lock_sql[];
extern const char resource_unload_batches_sql[];
extern const char resource_status_files_sql[];
extern const char resource_status_running_sql[];
extern const char resource_status_rejects_sql[];
extern const char resource_table_columns_sql[];
extern const char resource_table_find_sql[];
extern const char resource_batch_claim_sql[];
extern const char resource_batch_find_sql[];
extern const char resource_batch_finish_sql[];
extern const char resource_batch_guard_sql[];
extern const char resource_batch_owner_sql[];
extern const char resource_batch_rejects_sql[];
extern const char resource_file_lock_sql[];
extern const char resource_file_wait_sql[];
extern const char resource_file_unlock_sql[];
extern const char resource_file_settle_sql[];
extern const char resource_table_lock_sql[];
extern const char resource_table_wait_sql[];
extern const char resource_table_settle_sql[];
extern const char resource_table_share_sql[];
extern const char resource_table_unlock_sql[];
extern const char resource_truncate_done_sql[];
extern const char resource_source_find_sql[];
extern const char resource_screen_plan_sql[];
extern const char resource_stage_plan_sql[];
extern const char resource_serve_session_sql[];
extern const char resource_serve_recommend_sql[];
extern const char resource_serve_similar_sql[];
extern const char resource_serve_report_sql[];
extern const char resource_serve_health_sql[];

/* loader/web: what the service shows as it stands, and the report's page. */
extern const char resource_openapi_json[];
extern const char resource_page_html[];
extern const char resource_report_html[];
extern const char resource_report_css[];

#endif
