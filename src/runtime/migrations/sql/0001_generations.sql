-- Which schemas hold read tables, of which definition, and how far they are.
CREATE TABLE verbatim.generations (
    generation int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    definition text NOT NULL,
    state text NOT NULL CHECK (state IN ('building', 'live', 'standby')),
    position bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    swapped_at timestamptz,
    last_error text
);
CREATE UNIQUE INDEX generations_one_live ON verbatim.generations (definition) WHERE state = 'live';

CREATE TABLE verbatim.parked (
    generation int NOT NULL REFERENCES verbatim.generations ON DELETE CASCADE,
    stream_id text COLLATE "C" NOT NULL,
    owner_id text NOT NULL,
    position bigint NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (generation, stream_id)
);

-- Parkings and retries whose events are not appended yet: written in one transaction with what they
-- tell of, deleted in one with the event.
CREATE TABLE verbatim.parking_notes (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    stream_id text COLLATE "C" NOT NULL,
    -- Of the event that could not be applied.
    position bigint NOT NULL,
    -- Null where the stream was retried.
    error text
);
