SELECT name, value FROM verbatim.facts ORDER BY name
