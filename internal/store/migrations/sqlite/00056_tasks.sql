-- SPDX-License-Identifier: Apache-2.0
-- Tasks are events; the open ones are looked for.

-- +goose Up
-- +goose StatementBegin
CREATE INDEX events_tasks ON events (at, subject) WHERE kind LIKE 'task-%';
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP INDEX events_tasks;
-- +goose StatementEnd
