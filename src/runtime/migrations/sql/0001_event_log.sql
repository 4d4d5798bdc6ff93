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

-- The leaf hash (RFC 6962: SHA-256 of 0x00 and the entry) over the event as it is stored. Every
-- variable field is preceded by its length, so no two events share an entry.
CREATE FUNCTION verbatim.leaf_hash(e verbatim.events) RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
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

-- Gives committed events their positions. A function, so that the statement after the lock sees
-- everything that committed before the lock was granted.
CREATE FUNCTION verbatim.seal(max_rows int, OUT head bigint, OUT sealed bigint, OUT is_more boolean)
LANGUAGE plpgsql AS $$
DECLARE
    taken int;
BEGIN
    PERFORM pg_advisory_xact_lock(7308325537102295);
    SELECT coalesce(max(l.position), 0) INTO head FROM verbatim.log AS l;
    WITH next AS (
        SELECT i.inbox_id FROM verbatim.inbox AS i ORDER BY i.inbox_id LIMIT max_rows
    ), moved AS (
        DELETE FROM verbatim.inbox AS i USING next WHERE i.inbox_id = next.inbox_id
        RETURNING i.*
    ), ranges AS (
        SELECT m.inbox_id, r.n, r.stream_id, r.first_version, r.last_version
        FROM moved AS m, unnest(m.stream_ids, m.first_versions, m.last_versions)
            WITH ORDINALITY AS r (stream_id, first_version, last_version, n)
    ), placed AS (
        INSERT INTO verbatim.log (position, stream_id, stream_version, owner_id, leaf)
        SELECT head + row_number() OVER (ORDER BY r.inbox_id, r.n, v.version),
            e.stream_id, e.stream_version, e.owner_id, verbatim.leaf_hash(e)
        FROM ranges AS r
        CROSS JOIN LATERAL generate_series(r.first_version, r.last_version) AS v (version)
        JOIN verbatim.events AS e ON e.stream_id = r.stream_id AND e.stream_version = v.version
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM placed), (SELECT count(*) FROM moved) INTO sealed, taken;
    head := head + sealed;
    is_more := taken = max_rows;
    IF sealed > 0 THEN
        PERFORM pg_notify('verbatim_log', head::text);
    END IF;
END
$$;
