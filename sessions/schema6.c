/* SPDX-License-Identifier: MIT */
/* Version 6 of the tables: where the regions of an image came from, which their path told until
 * then: boxes that a user gave are a part of the question, what a detector found is not. Never
 * change it: add a version. */
#include "sessions/db.h"

const char schema_version_6[] =
    "ALTER TABLE query_images ADD COLUMN regions_origin TEXT NOT NULL DEFAULT 'file'"
    " CHECK(regions_origin IN ('file', 'detector', 'user'));"
    "UPDATE query_images SET regions_origin = CASE WHEN regions_path = 'boxes of the user' THEN"
    " 'user' WHEN substr(regions_path, 1, 9) = 'detector ' THEN 'detector' ELSE 'file' END;";
