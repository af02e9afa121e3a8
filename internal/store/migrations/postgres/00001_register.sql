-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970-01-01 UTC, digests lower-case hexadecimal SHA-256.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE log_entries (
    n     BIGINT PRIMARY KEY CHECK (n >= 0),
    entry BYTEA   NOT NULL
);

CREATE TABLE log_hashes (
    i    BIGINT PRIMARY KEY CHECK (i >= 0),
    hash BYTEA   NOT NULL CHECK (length(hash) = 32)
);

CREATE TABLE applications (
    id          TEXT    PRIMARY KEY,
    seq         BIGINT  NOT NULL UNIQUE,
    number      TEXT    UNIQUE,
    status      TEXT    NOT NULL CHECK (status IN ('draft', 'registered', 'refused', 'approved')),
    service     TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    owner       TEXT    NOT NULL,
    body        BYTEA   NOT NULL,
    package     BYTEA   NOT NULL,
    created     BIGINT  NOT NULL,
    registered  BIGINT,
    deadline    BIGINT,
    decided     BIGINT,
    licence     TEXT    UNIQUE,
    refusal     BYTEA,
    CHECK ((status = 'draft') = (number IS NULL)),
    CHECK ((status = 'approved') = (licence IS NOT NULL))
);
CREATE INDEX applications_owner ON applications (owner, seq);
CREATE INDEX applications_status ON applications (status, seq);

CREATE TABLE blobs (
    sha256  TEXT    PRIMARY KEY,
    size    BIGINT  NOT NULL,
    content BYTEA   NOT NULL
);

CREATE TABLE attachments (
    application TEXT    NOT NULL REFERENCES applications (id),
    position    BIGINT  NOT NULL,
    document    TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    type        TEXT    NOT NULL,
    size        BIGINT  NOT NULL,
    sha256      TEXT    NOT NULL REFERENCES blobs (sha256),
    PRIMARY KEY (application, position)
);

-- A serial without an application was released and is given out again.
CREATE TABLE serials (
    series      TEXT    NOT NULL,
    serial      BIGINT  NOT NULL CHECK (serial > 0),
    application TEXT    REFERENCES applications (id),
    PRIMARY KEY (series, serial),
    UNIQUE (series, application)
);

CREATE TABLE attempts (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application    TEXT    NOT NULL REFERENCES applications (id),
    at             BIGINT  NOT NULL,
    signature      TEXT    NOT NULL,
    outcome        TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    sub_indication TEXT    NOT NULL,
    finding        TEXT    NOT NULL
);

CREATE TABLE registrations (
    application      TEXT    PRIMARY KEY REFERENCES applications (id),
    number           TEXT    NOT NULL UNIQUE,
    at               BIGINT  NOT NULL,
    signature_sha256 TEXT    NOT NULL,
    signature        BYTEA   NOT NULL,
    stamped          BYTEA,
    report           BYTEA   NOT NULL,
    receipt          BYTEA   NOT NULL,
    entry            BIGINT  NOT NULL UNIQUE REFERENCES log_entries (n)
);

CREATE TABLE rulings (
    application TEXT    PRIMARY KEY REFERENCES applications (id),
    at          BIGINT  NOT NULL,
    officer     TEXT    NOT NULL,
    approve     BOOLEAN NOT NULL,
    document    BYTEA   NOT NULL,
    signed      BYTEA   NOT NULL,
    entry       BIGINT  NOT NULL UNIQUE REFERENCES log_entries (n)
);

CREATE TABLE licences (
    number      TEXT    PRIMARY KEY,
    application TEXT    NOT NULL UNIQUE REFERENCES applications (id),
    body        BYTEA   NOT NULL,
    document    BYTEA   NOT NULL,
    signed      BYTEA   NOT NULL,
    pdf         TEXT    NOT NULL REFERENCES blobs (sha256),
    issued      BIGINT  NOT NULL,
    entry       BIGINT  NOT NULL REFERENCES log_entries (n)
);

-- The log and what was signed are only added to. These triggers stop a mistake
-- in the program; who owns the database can drop them, and the log shows it.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'constraint failed: % of % is not possible', TG_OP, TG_TABLE_NAME USING ERRCODE = '23514'; END $$;
CREATE TRIGGER log_entries_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER log_hashes_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON log_hashes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER applications_keep BEFORE UPDATE OF id, seq, service, operation, owner, body, package, created ON applications FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER registrations_keep BEFORE UPDATE ON registrations FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rulings_keep BEFORE UPDATE ON rulings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
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
DROP FUNCTION refuse_change;
-- +goose StatementEnd
