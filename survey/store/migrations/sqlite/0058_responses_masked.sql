-- +goose Up
ALTER TABLE responses ADD COLUMN masked INTEGER NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE responses DROP COLUMN masked;
