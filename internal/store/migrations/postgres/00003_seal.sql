-- SPDX-License-Identifier: Apache-2.0
-- Keys under which personal data are sealed, themselves wrapped by a key outside; blobs outside the database.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE data_keys (
    id      BIGINT PRIMARY KEY CHECK (id >= 0),
    master  TEXT NOT NULL,
    wrapped BYTEA NOT NULL
);

-- A keyed digest of the applicant's IIN or BIN: applications are found by it.
ALTER TABLE applications ADD COLUMN holder TEXT;
CREATE INDEX applications_holder ON applications (holder, seq);

-- A blob with bytes and empty content lies outside. One that is about to be removed there must not be named meanwhile.
CREATE TABLE blob_removals (
    sha256 TEXT PRIMARY KEY,
    at     BIGINT NOT NULL
);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE blob_removals;
DROP INDEX applications_holder;
ALTER TABLE applications DROP COLUMN holder;
DROP TABLE data_keys;
-- +goose StatementEnd
