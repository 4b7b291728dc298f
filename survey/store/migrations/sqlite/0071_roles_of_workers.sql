-- +goose Up
UPDATE roles SET permissions = TRIM(permissions || ' interview') WHERE is_default AND code IN ('worker') AND permissions NOT LIKE '%interview%';

-- +goose Down
UPDATE roles SET permissions = TRIM(REPLACE(permissions, 'interview', '')) WHERE is_default AND code IN ('worker');
