-- SPDX-License-Identifier: Apache-2.0
-- Many files to be judged: their bytes stay until each has its verdict, all of it until it is erased.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE verification_batches (
    id      TEXT PRIMARY KEY,
    owner   TEXT NOT NULL,
    state   TEXT NOT NULL,
    created INTEGER NOT NULL,
    erased  INTEGER NOT NULL,
    body    BLOB NOT NULL
) STRICT;
CREATE INDEX verification_batches_owner ON verification_batches (owner, created);
CREATE INDEX verification_batches_erased ON verification_batches (erased);
CREATE TABLE verification_files (
    batch    TEXT NOT NULL REFERENCES verification_batches (id) ON DELETE CASCADE,
    n        INTEGER NOT NULL CHECK (n >= 0),
    row      TEXT NOT NULL,
    asked    BLOB NOT NULL,
    document BLOB,
    content  BLOB,
    line     BLOB,
    PRIMARY KEY (batch, n)
) STRICT;
CREATE INDEX verification_files_left ON verification_files (batch, n) WHERE line IS NULL;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE verification_files;
DROP TABLE verification_batches;
-- +goose StatementEnd
