LOCK TABLE verbatim.events, verbatim.log, verbatim.inbox, verbatim.heads, verbatim.data_keys,
    verbatim.attachments IN EXCLUSIVE MODE
