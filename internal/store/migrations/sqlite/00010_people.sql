-- SPDX-License-Identifier: Apache-2.0
-- People who log in, payments of applications, and what the outside systems were asked.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE payments (
    application TEXT   PRIMARY KEY REFERENCES applications (id),
    reference   TEXT   NOT NULL UNIQUE,
    amount      INTEGER NOT NULL CHECK (amount > 0),
    address     TEXT   NOT NULL,
    opened      INTEGER NOT NULL,
    paid        INTEGER,
    receipt     TEXT   NOT NULL
) STRICT;

CREATE TABLE people (
    id       TEXT   PRIMARY KEY,
    login    TEXT   NOT NULL UNIQUE,
    name     TEXT   NOT NULL,
    iin      TEXT   NOT NULL,
    bin      TEXT   NOT NULL,
    roles    TEXT   NOT NULL,
    password TEXT   NOT NULL,
    created  INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    locked   INTEGER,
    disabled INTEGER NOT NULL CHECK (disabled IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX people_applicants ON people (iin, bin) WHERE roles = 'applicant';

CREATE TABLE sessions (
    token   TEXT   PRIMARY KEY,
    person  TEXT   NOT NULL REFERENCES people (id),
    method  TEXT   NOT NULL,
    created INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    ended   INTEGER
) STRICT;
CREATE INDEX sessions_person ON sessions (person);

CREATE TABLE challenges (
    nonce   TEXT   PRIMARY KEY,
    purpose TEXT   NOT NULL,
    expires INTEGER NOT NULL,
    text    BLOB   NOT NULL
) STRICT;
CREATE INDEX challenges_expires ON challenges (expires);

CREATE TABLE account_events (
    id     INTEGER PRIMARY KEY,
    at     INTEGER NOT NULL,
    person TEXT   NOT NULL,
    kind   TEXT   NOT NULL,
    origin TEXT   NOT NULL,
    actor  TEXT   NOT NULL
) STRICT;
CREATE INDEX account_events_person ON account_events (person, id);

-- What went over the wire to the outside systems and back. Only added to.
CREATE TABLE exchanges (
    id       TEXT   NOT NULL,
    at       INTEGER NOT NULL,
    system   TEXT   NOT NULL,
    request  BLOB   NOT NULL,
    response BLOB  ,
    outcome  TEXT   NOT NULL
) STRICT;
CREATE INDEX exchanges_id ON exchanges (id);
CREATE INDEX exchanges_at ON exchanges (at);

-- A draft may be written over until its package is: what was signed does not change.
DROP TRIGGER applications_keep;
CREATE TRIGGER applications_keep BEFORE UPDATE OF id, seq, service, operation, owner, body, package, created ON applications
WHEN length(OLD.package) > 0 BEGIN SELECT RAISE(ABORT, 'what was signed does not change'); END;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE exchanges;
DROP TABLE account_events;
DROP TABLE challenges;
DROP TABLE sessions;
DROP TABLE people;
DROP TABLE payments;
-- +goose StatementEnd
