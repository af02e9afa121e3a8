-- SPDX-License-Identifier: Apache-2.0
-- What has still to be done or sent. A row is leased for a time; a lease that ran out is anybody's.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE outbox (
    id           TEXT    PRIMARY KEY,
    seq          BIGINT  NOT NULL UNIQUE,
    kind         TEXT    NOT NULL,
    key          TEXT,
    body         BYTEA   NOT NULL,
    due          BIGINT  NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'done', 'dead')),
    attempts     BIGINT  NOT NULL,
    holder       TEXT,
    leased_until BIGINT,
    error        TEXT,
    finished     BIGINT,
    UNIQUE (kind, key)
);
CREATE INDEX outbox_due ON outbox (due, seq) WHERE state = 'waiting';
CREATE INDEX outbox_state ON outbox (state, seq);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE outbox;
-- +goose StatementEnd
