-- SPDX-License-Identifier: Apache-2.0
-- Drafts are saved without a turn among the writers on PostgreSQL; a file has one writer.

-- +goose Up
SELECT 1;

-- +goose Down
SELECT 1;
