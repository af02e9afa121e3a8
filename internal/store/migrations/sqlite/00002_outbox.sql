-- SPDX-License-Identifier: Apache-2.0
-- What has still to be done or sent. A row is leased for a time; a lease that ran out is anybody's.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE outbox (
    id           TEXT    PRIMARY KEY,
    seq          INTEGER NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    key          TEXT,
    body         BLOB    NOT NULL,
    due          INTEGER NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'done', 'dead')),
    attempts     INTEGER NOT NULL,
    holder       TEXT,
    leased_until INTEGER,
    error        TEXT,
    finished     INTEGER,
    UNIQUE (kind, key)
) STRICT;
CREATE INDEX outbox_due ON outbox (due, seq) WHERE state = 'waiting';
CREATE INDEX outbox_state ON outbox (state, seq);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE outbox;
-- +goose StatementEnd
