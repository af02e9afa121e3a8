-- SPDX-License-Identifier: Apache-2.0
-- What auditors and administrators work with: files found by their digest, keys of programs, who may sign, the search in what was done.

-- +goose Up
-- +goose StatementBegin
CREATE INDEX licences_pdf ON licences (pdf);
CREATE INDEX licence_appendices_pdf ON licence_appendices (pdf);
CREATE INDEX renewals_pdf ON renewals (pdf);
CREATE INDEX events_at ON events (at);
CREATE INDEX account_events_at ON account_events (at);

CREATE TABLE api_keys (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    roles      TEXT NOT NULL,
    token      TEXT NOT NULL UNIQUE,
    created    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    revoked    INTEGER,
    revoked_by TEXT NOT NULL
) STRICT;

-- Beside the table of the configuration: lines, and from when lines of either no longer hold. Both are only added to.
CREATE TABLE signers (
    line        TEXT NOT NULL PRIMARY KEY,
    officer     TEXT NOT NULL,
    name        TEXT NOT NULL,
    position    TEXT NOT NULL,
    licensor    TEXT NOT NULL,
    certificate TEXT NOT NULL,
    from_at     INTEGER NOT NULL,
    until_at    INTEGER
) STRICT;
CREATE TABLE signer_ends (
    line     TEXT NOT NULL PRIMARY KEY,
    until_at INTEGER NOT NULL
) STRICT;
CREATE TRIGGER signers_keep BEFORE UPDATE ON signers BEGIN SELECT RAISE(ABORT, 'who might sign does not change'); END;
CREATE TRIGGER signers_stay BEFORE DELETE ON signers BEGIN SELECT RAISE(ABORT, 'who might sign does not change'); END;
CREATE TRIGGER signer_ends_keep BEFORE UPDATE ON signer_ends BEGIN SELECT RAISE(ABORT, 'who might sign does not change'); END;
CREATE TRIGGER signer_ends_stay BEFORE DELETE ON signer_ends BEGIN SELECT RAISE(ABORT, 'who might sign does not change'); END;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE signer_ends;
DROP TABLE signers;
DROP TABLE api_keys;
DROP INDEX account_events_at;
DROP INDEX events_at;
DROP INDEX renewals_pdf;
DROP INDEX licence_appendices_pdf;
DROP INDEX licences_pdf;
-- +goose StatementEnd
