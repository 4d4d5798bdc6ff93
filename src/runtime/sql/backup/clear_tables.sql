-- Everything but events and log, which are empty where this is run.
TRUNCATE verbatim.heads, verbatim.idempotency, verbatim.data_keys, verbatim.facts,
    verbatim.attachments, verbatim.attachment_chunks, verbatim.generations, verbatim.parked, verbatim.parking_notes,
    verbatim.leases, verbatim.frames, verbatim.allowances, verbatim.token_use
