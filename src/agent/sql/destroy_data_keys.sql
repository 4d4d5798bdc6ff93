-- $1 owner_id text. What is still being written under them is unreadable, whether or not it is stored.
DELETE FROM verbatim.data_keys WHERE owner_id = $1
