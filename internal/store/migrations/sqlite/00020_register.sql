-- SPDX-License-Identifier: Apache-2.0
-- States and moves of licences, appendices, the public search, and the work of officers.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE licences ADD COLUMN state TEXT NOT NULL DEFAULT 'issued';
ALTER TABLE licences ADD COLUMN moves INTEGER NOT NULL DEFAULT 0;
ALTER TABLE licences ADD COLUMN successor TEXT;
ALTER TABLE licences ADD COLUMN service TEXT NOT NULL DEFAULT '';
ALTER TABLE licences ADD COLUMN holder TEXT NOT NULL DEFAULT '';
UPDATE licences SET service = coalesce(json_extract(CAST(body AS TEXT), '$.service'), ''), holder = coalesce(json_extract(CAST(body AS TEXT), '$.holder.iin'), json_extract(CAST(body AS TEXT), '$.holder.bin'), '');
CREATE UNIQUE INDEX licences_entry ON licences (entry);
CREATE INDEX licences_state ON licences (state, entry);
CREATE INDEX licences_service ON licences (service, entry);
CREATE INDEX licences_service_state ON licences (service, state, entry);
CREATE INDEX licences_holder ON licences (holder, entry);
CREATE INDEX licences_issued ON licences (issued, entry);

-- The words of the holders' names, in lower case, so that the register can be searched by the beginning of any word.
CREATE TABLE licence_words (
    word  TEXT NOT NULL,
    entry INTEGER NOT NULL,
    PRIMARY KEY (word, entry)
) STRICT, WITHOUT ROWID;
CREATE INDEX licence_words_entry ON licence_words (entry, word);

CREATE TABLE licence_moves (
    licence    TEXT NOT NULL REFERENCES licences (number),
    seq        INTEGER NOT NULL CHECK (seq > 0),
    move       TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    ground     TEXT NOT NULL,
    until_day  TEXT NOT NULL,
    successor  TEXT NOT NULL,
    at         INTEGER NOT NULL,
    officer    TEXT NOT NULL,
    document   BLOB NOT NULL,
    signed     BLOB NOT NULL,
    entry      INTEGER NOT NULL UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (licence, seq)
) STRICT;

CREATE TABLE licence_appendices (
    licence     TEXT NOT NULL REFERENCES licences (number),
    number      TEXT NOT NULL,
    application TEXT NOT NULL UNIQUE REFERENCES applications (id),
    body        BLOB NOT NULL,
    document    BLOB NOT NULL,
    signed      BLOB NOT NULL,
    pdf         TEXT NOT NULL REFERENCES blobs (sha256),
    entry       INTEGER NOT NULL UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (licence, number)
) STRICT;

CREATE INDEX applications_queue ON applications (deadline, id) WHERE status = 'registered';
CREATE INDEX applications_registered ON applications (registered) WHERE registered IS NOT NULL;

CREATE TABLE cases (
    application TEXT NOT NULL PRIMARY KEY REFERENCES applications (id),
    officer     TEXT NOT NULL,
    since       INTEGER,
    version     INTEGER NOT NULL
) STRICT;

-- Of an application (its id) or a licence (its number).
CREATE TABLE events (
    subject TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    actor   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    body    BLOB,
    PRIMARY KEY (subject, seq)
) STRICT;

CREATE TABLE amendments (
    application TEXT NOT NULL REFERENCES applications (id),
    seq         INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    body        BLOB NOT NULL,
    package     BLOB NOT NULL,
    accepted    INTEGER,
    signature   BLOB,
    stamped     BLOB,
    report      BLOB,
    entry       INTEGER UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (application, seq)
) STRICT;

CREATE TABLE batches (
    id      TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL,
    body    BLOB NOT NULL
) STRICT;

CREATE TRIGGER licence_moves_keep BEFORE UPDATE ON licence_moves BEGIN SELECT RAISE(ABORT, 'a move does not change'); END;
CREATE TRIGGER licence_moves_stay BEFORE DELETE ON licence_moves BEGIN SELECT RAISE(ABORT, 'a move does not change'); END;
CREATE TRIGGER licence_appendices_keep BEFORE UPDATE ON licence_appendices BEGIN SELECT RAISE(ABORT, 'an appendix does not change'); END;
CREATE TRIGGER licence_appendices_stay BEFORE DELETE ON licence_appendices BEGIN SELECT RAISE(ABORT, 'an appendix does not change'); END;
CREATE TRIGGER events_keep BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'what was done does not change'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'what was done does not change'); END;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE batches;
DROP TABLE amendments;
DROP TABLE events;
DROP TABLE cases;
DROP INDEX applications_registered;
DROP INDEX applications_queue;
DROP TABLE licence_appendices;
DROP TABLE licence_moves;
DROP TABLE licence_words;
DROP INDEX licences_issued;
DROP INDEX licences_holder;
DROP INDEX licences_service_state;
DROP INDEX licences_service;
DROP INDEX licences_state;
DROP INDEX licences_entry;
ALTER TABLE licences DROP COLUMN holder;
ALTER TABLE licences DROP COLUMN service;
ALTER TABLE licences DROP COLUMN successor;
ALTER TABLE licences DROP COLUMN moves;
ALTER TABLE licences DROP COLUMN state;
-- +goose StatementEnd
