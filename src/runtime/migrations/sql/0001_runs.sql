-- Ephemeral: who works on which run, and the frames that clients resume from.

CREATE TABLE verbatim.leases (
    run_id uuid PRIMARY KEY,
    conversation_id text NOT NULL,
    owner_id text NOT NULL,
    node_id uuid NOT NULL,
    attempt int NOT NULL DEFAULT 1,
    heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    is_cancel_requested boolean NOT NULL DEFAULT false,
    -- Once its worker was silent for too long the run is only closed, whoever takes it over.
    is_dead boolean NOT NULL DEFAULT false
) WITH (fillfactor = 70);

CREATE INDEX leases_owner ON verbatim.leases (owner_id);

-- How much each user has asked for lately: messages by the second, of the last 61 so that a whole minute
-- is among them, and the tokens of a day in UTC. Two tables, because one is locked when runs begin and
-- the other when they end.
CREATE TABLE verbatim.allowances (
    owner_id text PRIMARY KEY,
    -- By second of the epoch modulo 61.
    sent int[] NOT NULL,
    counted_at bigint NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE verbatim.token_use (
    owner_id text NOT NULL,
    used_on date NOT NULL,
    tokens bigint NOT NULL,
    PRIMARY KEY (owner_id, used_on)
) WITH (fillfactor = 70);

-- A lease, if its owner is within the limits (null is none); else VB429, which undoes the append. The
-- owner's row is locked first, so what is counted after it stands still until the commit.
CREATE FUNCTION verbatim.claim_lease(
    run uuid, conversation text, claimer text, node uuid,
    most_messages int, most_runs int, most_tokens bigint)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    lately int[];
    counted bigint;
    second bigint;
    total bigint;
    today date;
BEGIN
    LOOP
        SELECT a.sent, a.counted_at INTO lately, counted FROM verbatim.allowances AS a
        WHERE a.owner_id = claimer FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO verbatim.allowances (owner_id, sent, counted_at) VALUES (claimer, array_fill(0, ARRAY[61]), 0)
        ON CONFLICT (owner_id) DO NOTHING;
    END LOOP;
    second := greatest(counted, extract(epoch FROM clock_timestamp())::bigint);
    FOR n IN greatest(counted + 1, second - 60) .. second LOOP
        lately[n % 61 + 1] := 0;
    END LOOP;
    total := (SELECT sum(n) FROM unnest(lately) AS n) + 1;
    FOR age IN REVERSE 60 .. 0 LOOP
        EXIT WHEN most_messages IS NULL OR total <= most_messages;
        total := total - lately[(second - age) % 61 + 1];
        IF total <= most_messages THEN
            RAISE EXCEPTION 'messages' USING ERRCODE = 'VB429', DETAIL = 61 - age;
        END IF;
    END LOOP;
    lately[second % 61 + 1] := lately[second % 61 + 1] + 1;
    UPDATE verbatim.allowances AS a SET sent = lately, counted_at = second WHERE a.owner_id = claimer;
    IF (SELECT count(*) FROM verbatim.leases AS l WHERE l.owner_id = claimer) >= most_runs THEN
        RAISE EXCEPTION 'runs' USING ERRCODE = 'VB429', DETAIL = 5;
    END IF;
    today := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    IF (SELECT u.tokens FROM verbatim.token_use AS u
            WHERE u.owner_id = claimer AND u.used_on = today) >= most_tokens THEN
        RAISE EXCEPTION 'tokens' USING ERRCODE = 'VB429', DETAIL =
            ceil(extract(epoch FROM (today + 1) - clock_timestamp() AT TIME ZONE 'UTC'));
    END IF;
    INSERT INTO verbatim.leases (run_id, conversation_id, owner_id, node_id)
    VALUES (run, conversation, claimer, node);
END
$$;

CREATE TABLE verbatim.frames (
    run_id uuid NOT NULL,
    seq int NOT NULL,
    body bytea NOT NULL,
    is_last boolean NOT NULL DEFAULT false,
    PRIMARY KEY (run_id, seq)
) PARTITION BY RANGE (run_id);

CREATE TABLE verbatim.frames_default PARTITION OF verbatim.frames DEFAULT;

-- Run ids are UUIDv7, so a range of ids is a range of time: partitions of six hours, made two
-- ahead, dropped once everything in them is older than a day. A node that was idle for longer than
-- that finds frames in the default partition, written before the next was made; they move.
CREATE FUNCTION verbatim.roll_frames(moment timestamptz) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    six_hours CONSTANT bigint := 6 * 3600 * 1000;
    slot bigint := (extract(epoch FROM moment) * 1000)::bigint / six_hours;
    first_id uuid;
    end_id uuid;
    old record;
    dropped int := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(7308325537102296);
    FOR n IN slot .. slot + 2 LOOP
        IF to_regclass('verbatim.frames_' || n) IS NULL THEN
            first_id := rpad(lpad(to_hex(n * six_hours), 12, '0'), 32, '0');
            end_id := rpad(lpad(to_hex((n + 1) * six_hours), 12, '0'), 32, '0');
            LOCK TABLE verbatim.frames IN ACCESS EXCLUSIVE MODE;
            EXECUTE format('CREATE TABLE verbatim.%I (LIKE verbatim.frames INCLUDING ALL)', 'frames_' || n);
            EXECUTE format(
                'WITH moved AS (DELETE FROM verbatim.frames_default WHERE run_id >= $1 AND run_id < $2 RETURNING *) '
                'INSERT INTO verbatim.%I SELECT * FROM moved', 'frames_' || n)
            USING first_id, end_id;
            EXECUTE format(
                'ALTER TABLE verbatim.frames ATTACH PARTITION verbatim.%I FOR VALUES FROM (%L) TO (%L)',
                'frames_' || n, first_id, end_id);
        END IF;
    END LOOP;
    DELETE FROM verbatim.frames_default
    WHERE run_id < rpad(lpad(to_hex((slot - 4) * six_hours), 12, '0'), 32, '0')::uuid;
    FOR old IN
        SELECT c.relname FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'verbatim.frames'::regclass
            AND c.relname ~ '^frames_[0-9]+$'
            AND substr(c.relname, 8)::bigint < slot - 4
    LOOP
        EXECUTE format('DROP TABLE verbatim.%I', old.relname);
        dropped := dropped + 1;
    END LOOP;
    RETURN dropped;
END
$$;

-- One-time tokens that were used.
CREATE TABLE verbatim.spent_tokens (
    token_id text PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- Attachments are truth: the metadata and the content are encrypted under the owner's key.
CREATE TABLE verbatim.attachments (
    attachment_id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    key_id uuid NOT NULL,
    description bytea NOT NULL,
    size_bytes bigint NOT NULL,
    is_complete boolean NOT NULL DEFAULT false,
    -- The upload that may write chunks; a newer one takes its place.
    upload_id uuid,
    conversation_id text,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX attachments_owner ON verbatim.attachments (owner_id, created_at);
CREATE INDEX attachments_conversation ON verbatim.attachments (conversation_id)
    WHERE conversation_id IS NOT NULL;

CREATE TABLE verbatim.attachment_chunks (
    attachment_id uuid NOT NULL REFERENCES verbatim.attachments ON DELETE CASCADE,
    chunk int NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (attachment_id, chunk)
);
