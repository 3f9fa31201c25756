-- extension/clickstream--0.4.0--0.5.0.sql
--     0.5.0 is about the loader: the objects are those of 0.4.0.

-- complain if script is sourced in psql, rather than via ALTER EXTENSION
\echo Use "ALTER EXTENSION clickstream UPDATE TO '0.5.0'" to load this file. \quit
