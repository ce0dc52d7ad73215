CREATE TABLE inference (
    alias TEXT NOT NULL PRIMARY KEY,
    model_repo TEXT NOT NULL,
    file_path TEXT NOT NULL,
    address TEXT NOT NULL,
    port INTEGER NOT NULL,
    context_size INTEGER NOT NULL,
    gpu_layers INTEGER NOT NULL,
    chat_template TEXT NOT NULL,
    status TEXT NOT NULL,
    error TEXT NOT NULL,
    created REAL NOT NULL,
    updated REAL NOT NULL
) STRICT;
