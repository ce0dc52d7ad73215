-- One model that was asked for: a row for each file, or set of parts, of a repository on a hub.
CREATE TABLE downloads (
    repo TEXT NOT NULL,
    file TEXT NOT NULL,
    status TEXT NOT NULL,
    plan TEXT NOT NULL,  -- JSON: the commit, and name, size and checksum of each file
    error TEXT NOT NULL DEFAULT '',
    created REAL NOT NULL,  -- seconds since the epoch, as `updated`
    updated REAL NOT NULL,
    PRIMARY KEY (repo, file)
) STRICT;

-- What a hub said the last time of the repositories that /api/models offers.
CREATE TABLE offers (
    repo TEXT PRIMARY KEY,
    told TEXT NOT NULL,  -- JSON
    asked REAL NOT NULL
) STRICT;
