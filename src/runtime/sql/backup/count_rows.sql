SELECT (SELECT count(*) FROM verbatim.events) AS events, (SELECT count(*) FROM verbatim.log) AS log
