-- SPDX-License-Identifier: Apache-2.0
-- Answers to the survey after a result. They name nobody: who asked stands in the application.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE surveys (
    application TEXT    PRIMARY KEY REFERENCES applications (id),
    service     TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    channel     TEXT    NOT NULL,
    answered    INTEGER NOT NULL
) STRICT;
CREATE INDEX surveys_answered ON surveys (answered);

CREATE TABLE survey_answers (
    application TEXT    NOT NULL REFERENCES surveys (application),
    question    TEXT    NOT NULL,
    answer      INTEGER NOT NULL CHECK (answer > 0),
    PRIMARY KEY (application, question)
) STRICT;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DROP TABLE survey_answers;
DROP TABLE surveys;
-- +goose StatementEnd
