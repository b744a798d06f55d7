-- Functions that DuckDB has and PostgreSQL lacks. They are created in the schema {schema}.

-- If the items are text, they are ordered by the list's collation, which is "C".
CREATE FUNCTION {schema}.list_sort(anyarray) RETURNS anyarray LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN cardinality($1) < 2 THEN $1 ELSE (SELECT array_agg(one ORDER BY one) FROM (SELECT unnest($1) AS one) AS listed) END $$;

CREATE FUNCTION {schema}.list_last(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS
$$ SELECT $1[cardinality($1)] $$;

CREATE FUNCTION {schema}.list_distinct(anyarray) RETURNS anyarray LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN $1 IS NOT NULL
    THEN ARRAY(SELECT DISTINCT one FROM (SELECT unnest($1) AS one) AS listed WHERE one IS DISTINCT FROM NULL) END $$;

CREATE FUNCTION {schema}.list_unique(anyarray) RETURNS bigint LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN $1 IS NOT NULL THEN (SELECT count(DISTINCT one) FROM (SELECT unnest($1) AS one) AS listed) END $$;

-- A NULL in the list is skipped, so it does not make the result NULL.
CREATE FUNCTION {schema}.list_contains(anycompatiblearray, anycompatible) RETURNS boolean LANGUAGE sql IMMUTABLE AS
$$ SELECT CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN coalesce($2 = ANY ($1), false) END $$;

CREATE FUNCTION {schema}.list_append_all(anycompatiblearray, anycompatiblearray) RETURNS anycompatiblearray
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, '{{}}') || coalesce($2, '{{}}') $$;

CREATE FUNCTION {schema}.list_join(anycompatiblearray, anycompatiblearray) RETURNS anycompatiblearray
LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $1 || $2 $$;

CREATE AGGREGATE {schema}.flatten_agg(anycompatiblearray) (
    SFUNC = {schema}.list_append_all, STYPE = anycompatiblearray
);

-- Returns the last value in a window's frame, and skips NULL.
CREATE FUNCTION {schema}.later(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT $2 $$;

CREATE AGGREGATE {schema}.last_known(anyelement) (SFUNC = {schema}.later, STYPE = anyelement);
