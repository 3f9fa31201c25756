-- test/support/objects.sql - tables and reports in the schema that stands first in the
-- search path, by the files and in the order of "clickstream init".
\getenv root CLICKSTREAM_ROOT
\set file :root '/sql/postgres/tables.sql'
\i :file
\set file :root '/sql/postgres/session_mark.sql'
\i :file
\set file :root '/sql/postgres/session_state.sql'
\i :file
\set file :root '/sql/postgres/session_report.sql'
\i :file
\set file :root '/sql/postgres/campaign_conversions.sql'
\i :file
\set file :root '/sql/postgres/forget.sql'
\i :file
