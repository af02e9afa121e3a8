-- SPDX-License-Identifier: Apache-2.0
-- Renewed time-stamps on licences and appendices; what was issued stays where it is.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE renewals (
    subject  TEXT NOT NULL,
    seq      BIGINT NOT NULL CHECK (seq > 0),
    at       BIGINT NOT NULL,
    until_at BIGINT NOT NULL,
    signed   TEXT NOT NULL REFERENCES blobs (sha256),
    pdf      TEXT NOT NULL REFERENCES blobs (sha256),
    entry    BIGINT NOT NULL UNIQUE REFERENCES log_entries (n),
    PRIMARY KEY (subject, seq)
);
CREATE TRIGGER renewals_keep BEFORE UPDATE OR DELETE ON renewals FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE renewals;
-- +goose StatementEnd
