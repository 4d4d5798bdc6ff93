-- Truth: the events, their order, the keys they are readable with.

CREATE TABLE verbatim.events (
    stream_id text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL CHECK (stream_version > 0),
    event_id uuid NOT NULL,
    topic text NOT NULL,
    schema_version int NOT NULL,
    state bytea NOT NULL,
    owner_id text NOT NULL,
    metadata text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (stream_id, stream_version)
);

-- What is appended and not yet sealed: one row a statement.
CREATE TABLE verbatim.inbox (
    inbox_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream_ids text[] NOT NULL,
    first_versions bigint[] NOT NULL,
    last_versions bigint[] NOT NULL,
    owner_ids text[] NOT NULL
);

-- The global order: positions 1..N without a gap, each with the leaf hash of its event.
CREATE TABLE verbatim.log (
    position bigint PRIMARY KEY,
    stream_id text COLLATE "C" NOT NULL,
    stream_version bigint NOT NULL,
    owner_id text NOT NULL,
    leaf bytea NOT NULL,
    UNIQUE (stream_id, stream_version)
);

CREATE TABLE verbatim.data_keys (
    key_id uuid PRIMARY KEY,
    owner_id text NOT NULL,
    generation int NOT NULL,
    wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_id, generation)
);

CREATE TABLE verbatim.facts (
    name text PRIMARY KEY,
    value text NOT NULL
);

-- What tells this log from every other.
INSERT INTO verbatim.facts (name, value) VALUES ('log_id', gen_random_uuid()::text);

-- What the log's key has signed: the root of the Merkle tree over the first `tree_size` leaves.
CREATE TABLE verbatim.checkpoints (
    tree_size bigint PRIMARY KEY CHECK (tree_size > 0),
    root bytea NOT NULL,
    note text NOT NULL,
    signed_at timestamptz NOT NULL
);

-- Derivable from the log's leaves: of every fourth level of the Merkle tree the complete nodes.
CREATE TABLE verbatim.tree (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (level, index)
);

-- Derivable from the events: where each stream stands, and which requests were already answered.
CREATE TABLE verbatim.heads (
    stream_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    appended int NOT NULL,
    owner_id text NOT NULL
) WITH (fillfactor = 70);

CREATE TABLE verbatim.idempotency (
    stream_id text COLLATE "C" NOT NULL,
    idempotency_key text NOT NULL,
    first_version bigint NOT NULL,
    last_version bigint NOT NULL,
    request_hash bytea,
    PRIMARY KEY (stream_id, idempotency_key)
);

CREATE FUNCTION verbatim.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on %.% is refused: the event log is immutable', tg_op, tg_table_schema, tg_table_name
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON verbatim.events
    FOR EACH STATEMENT EXECUTE FUNCTION verbatim.refuse_change();

CREATE TRIGGER log_is_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON verbatim.log
    FOR EACH STATEMENT EXECUTE FUNCTION verbatim.refuse_change();

CREATE TRIGGER checkpoints_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON verbatim.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION verbatim.refuse_change();

-- The leaf hash (RFC 6962: SHA-256 of 0x00 and the entry) over the event as it is stored. Every
-- variable field is preceded by its length, so no two events share an entry.
CREATE FUNCTION verbatim.leaf_hash(e verbatim.events) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(
        '\x00'::bytea
        || int4send(octet_length(e.stream_id)) || convert_to(e.stream_id, 'UTF8')
        || int8send(e.stream_version)
        || uuid_send(e.event_id)
        || int4send(octet_length(e.topic)) || convert_to(e.topic, 'UTF8')
        || int4send(e.schema_version)
        || int4send(octet_length(e.owner_id)) || convert_to(e.owner_id, 'UTF8')
        || int4send(octet_length(e.metadata)) || convert_to(e.metadata, 'UTF8')
        || int8send((extract(epoch FROM e.recorded_at) * 1000000)::bigint)
        || int4send(octet_length(e.state)) || e.state)
$$;

-- A batch of appends, at most one a stream. Answers the stream ids that lost (null: none did).
-- `key_ids` has null where nothing is encrypted; `idempotency_keys` is null when nobody has one, and
-- `last_versions` is, with the events' places after it, when each append has one event.
-- Heads are locked in one order, so batches never deadlock; the inbox number is taken after the
-- locks, so it follows the order within each stream. A function, because its statements are planned
-- once a session and with no arrays to look at: planning anew cost more than running. The settings
-- keep a plan made for small tables from scanning large ones.
CREATE FUNCTION verbatim.append(
    stream_ids text[], first_versions bigint[], owner_ids text[], key_ids uuid[],
    idempotency_keys text[], request_hashes bytea[], last_versions bigint[],
    event_stream_ids text[], event_versions bigint[], event_owner_ids text[], event_ids uuid[],
    topics text[], schema_versions int[], states bytea[], metadata text[])
RETURNS text[] LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    winners text[];
    losers text[];
BEGIN
    IF last_versions IS NULL THEN
        last_versions := first_versions;
        event_stream_ids := stream_ids;
        event_versions := first_versions;
        event_owner_ids := owner_ids;
    END IF;
    WITH won AS (
        INSERT INTO verbatim.heads AS h (stream_id, version, appended, owner_id)
        SELECT a.stream_id, a.last_version, a.last_version - a.first_version + 1, a.owner_id
        FROM unnest(stream_ids, first_versions, last_versions, owner_ids, key_ids, idempotency_keys)
            AS a (stream_id, first_version, last_version, owner_id, key_id, idempotency_key)
        WHERE (a.idempotency_key IS NULL OR NOT EXISTS (
                SELECT FROM verbatim.idempotency AS i
                WHERE i.stream_id = a.stream_id AND i.idempotency_key = a.idempotency_key))
            AND (a.key_id IS NULL OR EXISTS (
                SELECT FROM verbatim.data_keys AS k WHERE k.key_id = a.key_id))
            AND (a.first_version = 1 OR EXISTS (
                SELECT FROM verbatim.heads AS known WHERE known.stream_id = a.stream_id))
        ORDER BY a.stream_id COLLATE "C"
        ON CONFLICT (stream_id) DO UPDATE
        SET version = excluded.version, appended = excluded.appended
        WHERE h.version = excluded.version - excluded.appended
        RETURNING h.stream_id
    )
    SELECT array_agg(won.stream_id) INTO winners FROM won;
    IF winners IS NULL THEN
        RETURN stream_ids;
    END IF;
    IF cardinality(winners) < cardinality(stream_ids) THEN
        losers := array(SELECT unnest(stream_ids) EXCEPT SELECT unnest(winners));
        SELECT array_agg(a.stream_id), array_agg(a.first_version), array_agg(a.last_version),
            array_agg(a.owner_id), array_agg(a.idempotency_key), array_agg(a.request_hash)
        INTO stream_ids, first_versions, last_versions, owner_ids, idempotency_keys, request_hashes
        FROM unnest(stream_ids, first_versions, last_versions, owner_ids, idempotency_keys, request_hashes)
            AS a (stream_id, first_version, last_version, owner_id, idempotency_key, request_hash)
        WHERE a.stream_id = ANY (winners);
    END IF;
    INSERT INTO verbatim.events
        (stream_id, stream_version, event_id, topic, schema_version, state, owner_id, metadata)
    SELECT e.stream_id, e.stream_version, e.event_id, e.topic, e.schema_version, e.state, e.owner_id, e.metadata
    FROM unnest(event_stream_ids, event_versions, event_ids, topics, schema_versions, states,
            event_owner_ids, append.metadata)
        AS e (stream_id, stream_version, event_id, topic, schema_version, state, owner_id, metadata)
    WHERE losers IS NULL OR e.stream_id <> ALL (losers);
    IF idempotency_keys IS NOT NULL THEN
        INSERT INTO verbatim.idempotency
            (stream_id, idempotency_key, first_version, last_version, request_hash)
        SELECT a.stream_id, a.idempotency_key, a.first_version, a.last_version, a.request_hash
        FROM unnest(stream_ids, idempotency_keys, first_versions, last_versions, request_hashes)
            AS a (stream_id, idempotency_key, first_version, last_version, request_hash)
        WHERE a.idempotency_key IS NOT NULL;
    END IF;
    INSERT INTO verbatim.inbox (stream_ids, first_versions, last_versions, owner_ids)
    VALUES (append.stream_ids, append.first_versions, append.last_versions, append.owner_ids);
    RETURN losers;
END
$$;

-- Gives committed events their positions. A function, so that the statement after the lock sees
-- everything that committed before the lock was granted.
--
-- Rows that were sealed stay in the inbox's index, dead, for as long as any snapshot may see them, and
-- stepping over them made each seal slower than the one before. So a session remembers in
-- verbatim.inbox_floor from where to look: {floor, mark, own xid after the mark, second of the next
-- look from the start}. No row at or below the mark can appear any more once every transaction older
-- than that xid has ended: an append locks its heads, and so has its xid, before it takes an inbox
-- number. (A snapshot's xmax would not do: it is one past the newest xid that has ended.) Kept in the
-- session because that ends with a fail-over; looked past now and then, in case somebody turns the
-- numbers back.
CREATE FUNCTION verbatim.seal(max_rows int, OUT head bigint, OUT sealed bigint, OUT is_more boolean)
LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off
SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    known bigint[] := coalesce(nullif(current_setting('verbatim.inbox_floor', true), ''), '{0,0,0,0}');
    moment CONSTANT bigint := extract(epoch FROM clock_timestamp());
    has_older_xid CONSTANT boolean := pg_current_xact_id_if_assigned() IS NOT NULL;
    numbered bigint;
    oldest bigint;
    taken int;
    expected bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7308325537102295);
    SELECT CASE WHEN s.is_called THEN s.last_value ELSE 0 END INTO numbered
    FROM verbatim.inbox_inbox_id_seq AS s;
    IF moment >= known[4] OR numbered < known[2] THEN
        known := ARRAY[0, 0, 0, moment + 60];
    END IF;
    SELECT coalesce(max(l.position), 0) INTO head FROM verbatim.log AS l;
    WITH moved AS (
        DELETE FROM verbatim.inbox AS i
        WHERE i.inbox_id = ANY (ARRAY(
            SELECT n.inbox_id FROM verbatim.inbox AS n
            WHERE n.inbox_id > known[1] ORDER BY n.inbox_id LIMIT max_rows))
        RETURNING i.*
    ), ranges AS (
        SELECT r.stream_id, r.first_version, r.last_version,
            sum(r.last_version - r.first_version + 1) OVER (ORDER BY m.inbox_id, r.n) AS until
        FROM moved AS m, unnest(m.stream_ids, m.first_versions, m.last_versions)
            WITH ORDINALITY AS r (stream_id, first_version, last_version, n)
    ), placed AS (
        INSERT INTO verbatim.log (position, stream_id, stream_version, owner_id, leaf)
        SELECT head + r.until - r.last_version + e.stream_version,
            e.stream_id, e.stream_version, e.owner_id, verbatim.leaf_hash(e)
        FROM ranges AS r
        JOIN verbatim.events AS e ON e.stream_id = r.stream_id
            AND e.stream_version BETWEEN r.first_version AND r.last_version
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM placed), (SELECT count(*) FROM moved),
        (SELECT coalesce(max(r.until), 0) FROM ranges AS r),
        pg_snapshot_xmin(pg_current_snapshot())::text
    INTO sealed, taken, expected, oldest;
    IF sealed <> expected THEN
        RAISE EXCEPTION 'the inbox names % events after position %, but % are stored', expected, head, sealed
            USING ERRCODE = 'data_corrupted';
    END IF;
    head := head + sealed;
    is_more := taken = max_rows;
    IF sealed > 0 THEN
        IF NOT is_more AND NOT has_older_xid AND oldest >= known[3] THEN
            known := ARRAY[known[2], numbered, pg_current_xact_id()::text::bigint, known[4]];
        END IF;
        PERFORM set_config('verbatim.inbox_floor', known::text, false);
        PERFORM pg_notify('verbatim_log', head::text);
    END IF;
END
$$;
