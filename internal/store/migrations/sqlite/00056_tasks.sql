-- SPDX-License-Identifier: Apache-2.0
-- Tasks are events; the open ones are looked for.

-- +goose Up
CREATE INDEX events_tasks ON events (at, subject) WHERE kind LIKE 'task-%';

-- +goose Down
DROP INDEX events_tasks;
