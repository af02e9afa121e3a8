-- SPDX-License-Identifier: Apache-2.0
-- States and moves of licences, appendices, the public search, and the work of officers.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE licences ADD COLUMN state TEXT NOT NULL DEFAULT 'issued';
ALTER TABLE licences ADD COLUMN moves BIGINT NOT NULL DEFAULT 0;
ALTER TABLE licences ADD COLUMN successor TEXT;
ALTER TABLE licences ADD COLUMN service TEXT NOT NULL DEFAULT '';
ALTER TABLE licences ADD COLUMN holder TEXT NOT NULL DEFAULT '';
UPDATE licences SET service = coalesce(convert_from(body, 'UTF8')::json #>> '{service}', ''), holder = coalesce(convert_from(body, 'UTF8')::json #>> '{holder,iin}', convert_from(body, 'UTF8')::json #>> '{holder,bin}', '');
CREATE UNIQUE INDEX licences_entry ON licences (entry);
CREATE INDEX licences_state ON licences (state, entry);
CREATE INDEX licences_service ON licences (service, entry);
CREATE INDEX licences_service_state ON licences (service, state, entry);
CREATE INDEX licences_holder ON licences (holder, entry);
CREATE INDEX licences_issued ON licences (issued, entry);

-- The words of the holders' names, in lower case, so that the register can be searched by the beginning of any word.
CREATE TABLE licence_words (
    word  TEXT COLLATE "C" NOT NULL,
    entry BIGINT NOT NULL,
    PRIMARY KEY (word, entry)
);
CREATE INDEX licence_words_entry ON licence_words (entry, word);

CREATE TABLE licence_moves (
    licence    TEXT NOT NULL REFERENCES licences (number),
    seq        BIGINT NOT NULL CHECK (seq > 0),
    move       TEXT NOT NULL,
    from_state TEXT NOT NULL,
    to_state   TEXT NOT NULL,
    ground     TEXT NOT NULL,
    until_day  TEXT NOT NULL,
    successor  TEXT NOT NULL,
    at         BIGINT NOT NULL,
    officer    TEXT NOT NULL,
    document   BYTEA NOT NULL,
    signed     BYTEA NOT NULL,
    entry      BIGINT NOT NULL UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (licence, seq)
);

CREATE TABLE licence_appendices (
    licence     TEXT NOT NULL REFERENCES licences (number),
    number      TEXT NOT NULL,
    application TEXT NOT NULL UNIQUE REFERENCES applications (id),
    body        BYTEA NOT NULL,
    document    BYTEA NOT NULL,
    signed      BYTEA NOT NULL,
    pdf         TEXT NOT NULL REFERENCES blobs (sha256),
    entry       BIGINT NOT NULL UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (licence, number)
);

CREATE INDEX applications_queue ON applications (deadline, id) WHERE status = 'registered';
CREATE INDEX applications_registered ON applications (registered) WHERE registered IS NOT NULL;

CREATE TABLE cases (
    application TEXT NOT NULL PRIMARY KEY REFERENCES applications (id),
    officer     TEXT NOT NULL,
    since       BIGINT,
    version     BIGINT NOT NULL
);

-- Of an application (its id) or a licence (its number).
CREATE TABLE events (
    subject TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    at      BIGINT NOT NULL,
    actor   TEXT NOT NULL,
    kind    TEXT NOT NULL,
    body    BYTEA,
    PRIMARY KEY (subject, seq)
);

CREATE TABLE amendments (
    application TEXT NOT NULL REFERENCES applications (id),
    seq         BIGINT NOT NULL,
    created     BIGINT NOT NULL,
    body        BYTEA NOT NULL,
    package     BYTEA NOT NULL,
    accepted    BIGINT,
    signature   BYTEA,
    stamped     BYTEA,
    report      BYTEA,
    entry       BIGINT UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (application, seq)
);

CREATE TABLE batches (
    id      TEXT NOT NULL PRIMARY KEY,
    created BIGINT NOT NULL,
    body    BYTEA NOT NULL
);

CREATE TRIGGER licence_moves_keep BEFORE UPDATE OR DELETE ON licence_moves FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER licence_appendices_keep BEFORE UPDATE OR DELETE ON licence_appendices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_keep BEFORE UPDATE OR DELETE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
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
