-- How many institutions a transaction sees, as the planner is to guess. It took a thousand, reckoned each
-- look into an index to be dear, and read and sorted whole logs for one large page.
ALTER FUNCTION veritrail.scope() ROWS 2;
