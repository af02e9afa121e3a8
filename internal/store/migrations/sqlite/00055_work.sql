-- SPDX-License-Identifier: Apache-2.0
-- The work of officers as their pages ask for it: the queue of one service or one officer, appeals without an answer, own batches.

-- +goose Up
-- +goose StatementBegin
CREATE INDEX applications_queue_service ON applications (service, deadline, id) WHERE status = 'registered';
CREATE INDEX cases_officer ON cases (officer, application);
CREATE INDEX events_appeals ON events (at, subject) WHERE kind = 'appeal';
ALTER TABLE batches ADD COLUMN officer TEXT NOT NULL DEFAULT '';
CREATE INDEX batches_officer ON batches (officer, created);
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP INDEX batches_officer;
ALTER TABLE batches DROP COLUMN officer;
DROP INDEX events_appeals;
DROP INDEX cases_officer;
DROP INDEX applications_queue_service;
-- +goose StatementEnd
