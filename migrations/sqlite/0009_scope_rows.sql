-- Nothing to do here: a file has no scope. The number is kept in step with the other engine's.
SELECT 1;
