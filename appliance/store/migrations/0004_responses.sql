-- Responses that clients asked to keep: each is one turn of a conversation, a thread.
CREATE TABLE responses (
    number INTEGER PRIMARY KEY,  -- in the order of their making
    id TEXT NOT NULL UNIQUE,
    thread TEXT NOT NULL,  -- the id of the thread's first response
    previous TEXT,  -- the id of the one that this one goes on from
    owner TEXT NOT NULL,  -- whose key it was, empty for none
    created REAL NOT NULL,
    input BLOB NOT NULL,  -- JSON: the items that were new in this turn
    answer BLOB NOT NULL,  -- JSON: the response
    bytes INTEGER NOT NULL  -- of both
) STRICT;
CREATE INDEX responses_by_thread ON responses (thread, number, bytes);
