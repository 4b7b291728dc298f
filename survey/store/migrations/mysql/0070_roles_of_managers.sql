-- +goose Up
UPDATE roles SET permissions = TRIM(CONCAT(permissions, ' manage_fieldwork')) WHERE is_default AND code IN ('subdistrict', 'community') AND permissions NOT LIKE '%manage_fieldwork%';

-- +goose Down
UPDATE roles SET permissions = TRIM(REPLACE(permissions, 'manage_fieldwork', '')) WHERE is_default AND code IN ('subdistrict', 'community');
