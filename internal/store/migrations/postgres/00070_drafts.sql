-- SPDX-License-Identifier: Apache-2.0
-- Drafts are saved without a turn among the writers: two that come at the same time may share a place in the list.

-- +goose Up
ALTER TABLE applications DROP CONSTRAINT applications_seq_key;
CREATE INDEX applications_seq ON applications (seq);

-- +goose Down
DROP INDEX applications_seq;
ALTER TABLE applications ADD CONSTRAINT applications_seq_key UNIQUE (seq);
