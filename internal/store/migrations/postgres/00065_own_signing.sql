-- SPDX-License-Identifier: Apache-2.0
-- Decisions that officers are signing with keys of their own, document by document.

-- +goose Up
CREATE TABLE own_signings (
    application TEXT NOT NULL PRIMARY KEY REFERENCES applications (id),
    began       BIGINT NOT NULL,
    body        BYTEA NOT NULL
);

-- +goose Down
DROP TABLE own_signings;
