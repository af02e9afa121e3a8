-- SPDX-License-Identifier: Apache-2.0
-- Renewed time-stamps on licences and appendices; what was issued stays where it is.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE renewals (
    subject  TEXT NOT NULL,
    seq      INTEGER NOT NULL CHECK (seq > 0),
    at       INTEGER NOT NULL,
    until_at INTEGER NOT NULL,
    signed   TEXT NOT NULL REFERENCES blobs (sha256),
    pdf      TEXT NOT NULL REFERENCES blobs (sha256),
    entry    INTEGER NOT NULL UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (subject, seq)
) STRICT;
CREATE TRIGGER renewals_keep BEFORE UPDATE ON renewals BEGIN SELECT RAISE(ABORT, 'a renewal does not change'); END;
CREATE TRIGGER renewals_stay BEFORE DELETE ON renewals BEGIN SELECT RAISE(ABORT, 'a renewal does not change'); END;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE renewals;
-- +goose StatementEnd
