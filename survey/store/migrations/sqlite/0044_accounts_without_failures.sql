-- +goose Up
ALTER TABLE accounts DROP COLUMN failures;

-- +goose Down
ALTER TABLE accounts ADD COLUMN failures INT NOT NULL DEFAULT 0;
