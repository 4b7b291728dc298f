-- +goose Up
UPDATE roles SET permissions = TRIM(CONCAT(permissions, ' manage_samples manage_fieldwork read_reports')) WHERE is_default AND code IN ('office') AND permissions NOT LIKE '%manage_samples%';

-- +goose Down
UPDATE roles SET permissions = TRIM(REPLACE(permissions, 'manage_samples manage_fieldwork read_reports', '')) WHERE is_default AND code IN ('office');
