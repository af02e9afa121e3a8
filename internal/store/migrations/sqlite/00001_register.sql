-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970-01-01 UTC, digests lower-case hexadecimal SHA-256.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE applications (
    id          TEXT    PRIMARY KEY,
    seq         INTEGER NOT NULL UNIQUE,
    number      TEXT    UNIQUE,
    status      TEXT    NOT NULL CHECK (status IN ('draft', 'registered', 'refused', 'approved')),
    service     TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    body        BLOB    NOT NULL,
    package     BLOB    NOT NULL,
    created     INTEGER NOT NULL,
    registered  INTEGER,
    deadline    INTEGER,
    decided     INTEGER,
    licence     TEXT    UNIQUE,
    refusal     BLOB,
    CHECK ((status = 'draft') = (number IS NULL)),
    CHECK ((status = 'approved') = (licence IS NOT NULL))
) STRICT;
CREATE INDEX applications_owner ON applications (owner, seq);
CREATE INDEX applications_status ON applications (status, seq);

CREATE TABLE blobs (
    sha256  TEXT    PRIMARY KEY,
    size    INTEGER NOT NULL,
    content BLOB    NOT NULL
) STRICT;

CREATE TABLE attachments (
    application TEXT    NOT NULL REFERENCES applications (id),
    position    INTEGER NOT NULL,
    document    TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    size        INTEGER NOT NULL,
    sha256      TEXT    NOT NULL REFERENCES blobs (sha256),
    PRIMARY KEY (application, position)
) STRICT;

-- A serial without an application was released and is given out again.
CREATE TABLE serials (
    series      TEXT    NOT NULL,
    serial      INTEGER NOT NULL CHECK (serial > 0),
    application TEXT    REFERENCES applications (id),
    PRIMARY KEY (series, serial),
    UNIQUE (series, application)
) STRICT;

CREATE TABLE attempts (
    id             INTEGER PRIMARY KEY,
    application    TEXT    NOT NULL REFERENCES applications (id),
    at             INTEGER NOT NULL,
    signature      TEXT    NOT NULL,
    outcome        TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    sub_indication TEXT    NOT NULL,
    finding        TEXT    NOT NULL
) STRICT;

CREATE TABLE registrations (
    application      TEXT    PRIMARY KEY REFERENCES applications (id),
    number           TEXT    NOT NULL UNIQUE,
    at               INTEGER NOT NULL,
    signature_sha256 TEXT    NOT NULL,
    signature        BLOB    NOT NULL,
    stamped          BLOB,
    report           BLOB    NOT NULL,
    receipt          BLOB    NOT NULL,
    entry            INTEGER NOT NULL UNIQUE REFERENCES log_entries (n)
) STRICT;

CREATE TABLE rulings (
    application TEXT    PRIMARY KEY REFERENCES applications (id),
    at          INTEGER NOT NULL,
    officer     TEXT    NOT NULL,
    approve     INTEGER NOT NULL CHECK (approve IN (0, 1)),
    document    BLOB    NOT NULL,
    signed      BLOB    NOT NULL,
    entry       INTEGER NOT NULL UNIQUE REFERENCES log_entries (n)
) STRICT;

CREATE TABLE licences (
    number      TEXT    PRIMARY KEY,
    application TEXT    NOT NULL UNIQUE REFERENCES applications (id),
    body        BLOB    NOT NULL,
    document    BLOB    NOT NULL,
    signed      BLOB    NOT NULL,
    pdf         TEXT    NOT NULL REFERENCES blobs (sha256),
    issued      INTEGER NOT NULL,
    entry       INTEGER NOT NULL REFERENCES log_entries (n)
) STRICT;

CREATE TABLE log_entries (
    n     INTEGER PRIMARY KEY CHECK (n >= 0),
    entry BLOB    NOT NULL
) STRICT;

CREATE TABLE log_hashes (
    i    INTEGER PRIMARY KEY CHECK (i >= 0),
    hash BLOB    NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- The log and what was signed are only added to. These triggers stop a mistake
-- in the program; who can write to the file can drop them, and the log shows it.
CREATE TRIGGER log_entries_keep BEFORE UPDATE ON log_entries BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_entries_stay BEFORE DELETE ON log_entries BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_hashes_keep BEFORE UPDATE ON log_hashes BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER log_hashes_stay BEFORE DELETE ON log_hashes BEGIN SELECT RAISE(ABORT, 'the log is only added to'); END;
CREATE TRIGGER applications_keep BEFORE UPDATE OF id, seq, service, operation, owner, body, package, created ON applications
BEGIN SELECT RAISE(ABORT, 'what was signed does not change'); END;
CREATE TRIGGER registrations_keep BEFORE UPDATE ON registrations BEGIN SELECT RAISE(ABORT, 'a registration does not change'); END;
CREATE TRIGGER rulings_keep BEFORE UPDATE ON rulings BEGIN SELECT RAISE(ABORT, 'a decision does not change'); END;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE licences;
DROP TABLE rulings;
DROP TABLE registrations;
DROP TABLE attempts;
DROP TABLE serials;
DROP TABLE attachments;
DROP TABLE blobs;
DROP TABLE applications;
DROP TABLE log_hashes;
DROP TABLE log_entries;
-- +goose StatementEnd
