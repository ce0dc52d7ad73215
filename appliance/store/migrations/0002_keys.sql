CREATE TABLE keys (
    name TEXT NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,  -- words with spaces between
    made REAL NOT NULL
) STRICT;
