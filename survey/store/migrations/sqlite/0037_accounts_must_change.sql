-- +goose Up
ALTER TABLE accounts ADD COLUMN must_change BOOLEAN NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE accounts DROP COLUMN must_change;
