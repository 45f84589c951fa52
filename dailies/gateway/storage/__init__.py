"""The part of Supabase Storage's REST API that its Python client uses: buckets, objects, signed URLs, keys."""
