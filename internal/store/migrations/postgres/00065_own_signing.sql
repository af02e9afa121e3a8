-- SPDX-License-Identifier: Apache-2.0
-- Decisions that officers are signing with keys of their own, document by document.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE own_signings (
    application TEXT NOT NULL PRIMARY KEY REFERENCES applications (id),
    began       BIGINT NOT NULL,
    body        BYTEA NOT NULL
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE own_signings;
-- +goose StatementEnd
