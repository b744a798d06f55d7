"""
One query for every DuckDB construct that means the same in PostgreSQL, or that is rewritten.

`given` is the table of `tests.rules.postgres.rows`. The queries sort lists whose order DuckDB does not define.
"""

__all__ = ["CONSTRUCTS"]

CONSTRUCTS = {
    # Order and comparison
    "order of text, NULL last": "SELECT id, row_number() OVER (ORDER BY s, id) AS x FROM given",
    "order of text, backwards, NULL last": "SELECT id, row_number() OVER (ORDER BY s DESC, id) AS x FROM given",
    "order of numbers, times and booleans": """
        SELECT id, row_number() OVER (ORDER BY i DESC, k DESC, m, d DESC, t, id) AS x FROM given""",
    "order of a condition": "SELECT id, row_number() OVER (ORDER BY s = 'a', id DESC) AS x FROM given",
    "order of structs": """
        SELECT id, row_number() OVER (ORDER BY st, id) AS x, row_number() OVER (ORDER BY st DESC, id) AS y
        FROM (SELECT id, {'s': s, 'i': i} AS st FROM given) AS made""",
    "order of structs that are NULL": """
        SELECT id, row_number() OVER (ORDER BY st DESC, id) AS x
        FROM (SELECT id, if(k, {'s': s, 'i': i}, NULL) AS st FROM given) AS made""",
    "order of tuples": "SELECT id, row_number() OVER (ORDER BY (s, i) DESC, id) AS x FROM given",
    "comparison of text": """
        SELECT id, s < r AS x, s <= r AS y, s > 'a' AS z, s >= 'ä' AS w, s = r AS v, s <> r AS u, 'b' > s AS q
        FROM given""",
    "comparison of numbers": """
        SELECT id, i < j AS x, i <= b AS y, b > 3 AS z, i >= j AS w, i = j AS v, i <> j AS u
        FROM given""",
    "comparison of times": "SELECT id, m < n AS x, m >= d AS y, t > u AS z, d < n AS w, d = d AS v FROM given",
    "comparison with a written time": """
        SELECT id, m < timestamp '2025-03-30 01:00:00' AS x, d = date '2024-02-29' AS y FROM given""",
    "between": "SELECT id, i BETWEEN j AND 3 AS x, s BETWEEN 'A' AND r AS y FROM given",
    "comparison of tuples": """
        SELECT id, (s, i) = (r, j) AS x, (s, i) < (r, j) AS y, (s, i) <> (r, j) AS z, (i, j) >= (j, i) AS w
        FROM given""",
    "comparison of structs": """
        SELECT id, a = b AS x, a < b AS y, a <> b AS z, a IS DISTINCT FROM b AS w
        FROM (SELECT id, {'s': s, 'i': i} AS a, if(k, {'s': r, 'i': j}, NULL) AS b FROM given) AS made""",
    "distinct from": "SELECT id, s IS DISTINCT FROM r AS x, i IS NOT DISTINCT FROM j AS y FROM given",
    "null": "SELECT id, s IS NULL AS x, l IS NOT NULL AS y, NOT k AS z, k IS NULL AS w FROM given",
    "struct of nothing is no NULL": """
        SELECT id, st IS NULL AS x, st IS NOT NULL AS y, st.s IS NULL AS z
        FROM (SELECT id, if(k, {'s': s, 'i': i}, NULL) AS st FROM given) AS made""",
    "logic": """
        SELECT id, k AND i > 0 AS x, k OR i > 0 AS y, NOT (k AND s IS NULL) AS z, TRUE AS v, NULL AS w
        FROM given""",
    "in": "SELECT id, i IN (1, 2, NULL) AS x, s IN ('a', r) AS y, s NOT IN ('a', 'b') AS z FROM given",
    "in a query": """
        SELECT id, s IN (SELECT r FROM given WHERE k) AS x, i NOT IN (SELECT j FROM given) AS y,
        i NOT IN (SELECT j FROM given WHERE j IS NOT NULL) AS z
        FROM given""",
    "greatest and least": """
        SELECT id, greatest(i, j) AS x, least(m, n) AS y, least(s, r, 'b') AS z, greatest(s, r) AS w,
        greatest(0, least(b, 5)) AS v, greatest(i, 1, NULL) AS u FROM given""",
    "coalesce, nullif, if, case": """
        SELECT id, coalesce(s, r, '') AS x, nullif(i, j) AS y, if(k, s, r) AS z, if(k, i, NULL) AS w,
        CASE s WHEN 'a' THEN 1 WHEN 'b' THEN 2 ELSE 0 END AS v, CASE WHEN i > 1 THEN s WHEN k THEN r END AS u
        FROM given""",
    "coalesce of lists": "SELECT id, coalesce(l, []) AS x, coalesce(li, [1]) AS y FROM given",
    # Numbers and times
    "sums of numbers": """
        SELECT id, i // 2 + j AS x, j - i // 2 AS y, j * 3600000000 AS z, -j AS w, -(i // 2) AS v
        FROM given""",
    "whole quotients": """
        SELECT id, i // j AS x, b // i AS y, (i - 1) // 2 AS z, j * 4 // 3 AS w, 7 // j AS v
        FROM given""",
    "hexadecimal": "SELECT id, to_hex(b) AS x FROM given",
    "days": "SELECT id, d + 1 AS x, d - j AS y, d + (j - 1)::integer AS z FROM given",
    "months end on their last day": """
        SELECT id, m + to_months(j) AS x, m - to_months(j) AS y, d + to_months(j) AS z, m - to_months(13) AS w
        FROM given""",
    "spans": """
        SELECT id, m + to_days(j) AS a, m - to_hours(j) AS b, m + to_minutes(5) AS c, m + interval 1 hour AS d,
        m - interval '1' day AS e, d + t AS f, d + t + to_microseconds(j * 32400000001) AS g,
        m + to_microseconds(if(b between 0 and 4503599627370496, b, 0)) AS h, d - interval 1 month AS x FROM given""",
    "parts of dates": """
        SELECT id, year(d) AS a, month(d) AS b, day(d) AS c, isodow(d) AS e, year(m) AS f,
        make_date(year(d) + 18, month(d), 1) + (day(d) - 1)::integer AS g FROM given""",
    "casts of times": """
        SELECT id, m::date AS x, m::time AS y, d::timestamp AS z, cast(d AS timestamp) - interval 1 hour AS w
        FROM given""",
    "casts of numbers": "SELECT id, k::integer AS x, k::bigint AS y, i::bigint AS z, j::integer AS w FROM given",
    "casts of nothing and of constants": """
        SELECT id, cast(NULL AS varchar) AS x, cast(NULL AS timestamp) AS y, date '2024-02-29' AS z,
        timestamp '0001-01-01' AS w FROM given""",
    "local time": """
        SELECT id, m AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London' AS x,
        cast((m AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London') AS date) AS y,
        cast((m AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/London') AS time) AS z,
        m AT TIME ZONE 'Europe/London' AT TIME ZONE 'UTC' AS w FROM given""",
    "differences": """
        SELECT id, date_diff('microsecond', m, n) AS x, date_diff('microsecond', t, u) AS y, epoch_us(m) AS z
        FROM given""",
    "written dates": "SELECT id, strftime(d, '%-d %B %Y') AS x FROM given",
    # Text
    "joined text": "SELECT id, s || r AS x, s || '#' || i AS y, i || '/' || b AS z, 'x' || NULL AS w FROM given",
    "joined with a separator": """
        SELECT id, concat_ws('|', s, r, '', NULL, 'x') AS x, md5(concat_ws('|', s, r)) AS y
        FROM given""",
    "digest": "SELECT id, md5(s) AS x FROM given",
    "replaced": "SELECT id, replace(s, 'a', 'é') AS x, replace(s, r, '-') AS y FROM given",
    "part of text": """
        SELECT id, substr(s, strpos(s, '/') + 1) AS x, strpos(s, 'b') AS y, substr(s, 2) AS z, strpos(s, r) AS w
        FROM given""",
    "length of text": "SELECT id, length(s) AS x FROM given",
    "small letters": "SELECT id, lower(s) AS x, lower(replace(s, ' ', '_')) || 'A' AS y FROM given",
    # Structs and lists
    "structs": """
        SELECT id, st, st.s AS x, st.inner.i AS y
        FROM (SELECT id, {'s': s, 'inner': {'i': i, 'm': m}} AS st FROM given) AS made""",
    "lists": "SELECT id, [s, r, 'x'] AS x, [i, 1] AS y FROM given",
    "lists of structs": "SELECT id, [{'s': s, 'i': i}, {'s': r, 'i': j}] AS x FROM given",
    "sorted lists": """
        SELECT id, list_sort(l) AS x, list_sort(li) AS y, list_sort([{'s': s, 'i': i}, NULL, {'s': r, 'i': j}]) AS z
        FROM given""",
    "last of a list": "SELECT id, l[-1] AS x, li[-1] AS y, list_sort([{'s': s}, {'s': r}])[-1].s AS z FROM given",
    "slices": """
        SELECT id, array_slice([s], 1, 0) AS x, array_slice(l, 1, 2) AS y, array_slice(li, 2, 3) AS z
        FROM given""",
    "distinct items": """
        SELECT id, list_sort(list_distinct(l)) AS x, list_unique(l) AS y, list_unique(li) AS z
        FROM given""",
    "items among others": """
        SELECT id, list_contains(l, s) AS x, list_contains(li, i) AS y, list_contains(['1A', 'a'], s) AS z
        FROM given""",
    "joined lists": """
        SELECT id, list_concat(l, [s]) AS x, list_concat(l, l, NULL) AS y, l || [s] AS z, li || li AS w FROM given""",
    "length of a list": "SELECT id, len(l) AS x, len(coalesce(li, [])) AS y FROM given",
    "filtered lists": """
        SELECT id, list_filter(l, lambda one: one NOT IN ('a', 'b')) AS x, list_filter(li, lambda one: one > j) AS y,
        len(list_filter(coalesce(l, []), lambda one: one < 'b')) AS z FROM given""",
    "lists made of others": """
        SELECT id, list_transform(l, lambda one: {'text': one, 'i': i}) AS x, list_transform(li,
        lambda one: one + 1) AS y,
        list_transform([{'s': s, 'i': i}, NULL], lambda one: {'s': one.s}) AS z FROM given""",
    "a row for each item": """
        SELECT id, unnest(l) AS x FROM given UNION ALL SELECT id, unnest([s, r]) AS x FROM given""",
    "a row for each item that is a struct": "SELECT id, unnest([{'s': s, 'i': i}, NULL]) AS x FROM given",
    # Aggregates
    "counts, sums and extremes": """
        SELECT grp, count(*) AS a, count(s) AS b, sum(i) AS c, sum(j::bigint) AS d, min(s) AS e, max(s) AS f,
        min(m) AS g,
        max(d) AS h, min(t) AS x, max(b) AS y, bool_or(k) AS z, count(*) FILTER (k) AS w, max(i) FILTER (s > 'a') AS v
        FROM given GROUP BY grp""",
    "extremes of nothing": """
        SELECT max(s) AS a, count(*) AS b, sum(i) AS c, list(s) AS d, bool_or(k) AS e
        FROM given WHERE false""",
    "any value": "SELECT id // 1 AS x, any_value(s) AS y, any_value({'s': s}) AS z FROM given GROUP BY id",
    "gathered lists": """
        SELECT grp, list_sort(list(s)) AS x, list_sort(list(i) FILTER (k)) AS y, list_sort(list({'s': s,
        'id': id})) AS z
        FROM given GROUP BY grp""",
    "gathered lists, joined": """
        SELECT grp, list_sort(flatten(list(l))) AS x, list_sort(flatten(list(li) FILTER (k))) AS y
        FROM given GROUP BY grp""",
    "gathered lists, joined, in a window": """
        SELECT id, list_sort(list_distinct(flatten(list(l) OVER (PARTITION BY grp)))) AS x FROM given""",
    "value at an extreme": """
        SELECT grp, arg_min(s, (i, id)) AS a, arg_max(s, (i, id)) AS b, arg_min(s, id) AS c, arg_max(s, id) AS d,
        arg_max(s, (s, id)) AS e, arg_max({'s': s}, id).s AS f, arg_min(i, (r, id)) FILTER (k) AS g,
        coalesce(arg_max(k, id) FILTER (s = 'a'), false) AS h, arg_min(m, (s, id)) AS x FROM given GROUP BY grp""",
    "value at an extreme of text": "SELECT grp, arg_min(s, s) AS a, arg_max(s, s) AS b FROM given GROUP BY grp",
    "value at an extreme, in a window": """
        SELECT id, arg_min(i, (s, id)) OVER (PARTITION BY grp) AS a, arg_max(s, (m,
        id)) FILTER (k) OVER (PARTITION BY grp) AS b,
        arg_min(s, (i, id)) FILTER (k) OVER groups AS c FROM given WINDOW groups AS (PARTITION BY grp)""",
    # Windows
    "rows before and after": """
        SELECT id, lag(s) OVER w AS a, lead(i) OVER w AS b, lead(m, 1, timestamp '2000-01-01') OVER w AS c,
        lag(i, 2) OVER w AS d, lead(b, 1, 9223372036854775807) OVER (PARTITION BY grp ORDER BY s, id) AS e,
        if(lag(grp) OVER w = grp, lag(s) OVER w, NULL) AS f, lead((grp, s)) OVER w = (grp, s) AS g,
        lag({'s': s}) OVER w AS h FROM given WINDOW w AS (ORDER BY grp, id)""",
    "frames": """
        SELECT id, sum(j) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS a,
        max(s) OVER (PARTITION BY grp ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS b,
        min(m) OVER (ORDER BY id ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS c,
        count(*) OVER (PARTITION BY grp ORDER BY i) AS d, max(i) OVER (PARTITION BY grp) AS e FROM given""",
    "last value": """
        SELECT id, last_value(s) OVER (PARTITION BY grp ORDER BY id) AS a,
        last_value(s IGNORE NULLS) OVER (PARTITION BY grp ORDER BY id) AS b,
        last_value(if(k, {'s': s}, NULL) IGNORE NULLS) OVER w AS c
        FROM given WINDOW w AS (PARTITION BY grp ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)""",
    # Queries
    "qualify": """
        WITH part AS (SELECT * FROM given WHERE i IS NOT NULL)
        SELECT id, s AS text, row_number() OVER (PARTITION BY grp ORDER BY id) AS number FROM part
        QUALIFY row_number() OVER (PARTITION BY grp, s ORDER BY i DESC, id) = 1 AND number < 20""",
    "qualify below": """
        SELECT made.id FROM (SELECT id,
        grp FROM given QUALIFY k <> lag(k) OVER (ORDER BY id)) AS made WHERE made.grp = 1""",
    "distinct": "SELECT DISTINCT grp, s, l FROM given",
    "group by all": "SELECT grp, s IS NULL AS x, count(*) AS y FROM given GROUP BY ALL HAVING count(*) > 1",
    "aliases used again": "SELECT id, i > 1 AS x, if(x, s, r) AS y, y || '!' AS z FROM given WHERE x",
    "stars": """
        SELECT a.* EXCLUDE (l, li, st) REPLACE (coalesce(a.s, '') AS s), b.id AS other
        FROM (SELECT *, {'s': s} AS st FROM given) AS a INNER JOIN given AS b USING (id)""",
    "joins": """
        SELECT a.id, b.id AS x, c.id AS y FROM given AS a
        LEFT JOIN given AS b ON b.i = a.j AND b.s > a.s
        INNER JOIN given AS c ON c.grp = a.grp AND c.id < 9
        CROSS JOIN (SELECT 1 AS one) AS d""",
    "joins by names": """
        SELECT grp, s, a.id, b.id AS x FROM (SELECT grp, s, id FROM given) AS a LEFT JOIN (SELECT grp, s, id
        FROM given) AS b
        USING (grp, s)""",
    "semi and anti joins": """
        WITH few AS (SELECT grp, s FROM given WHERE k)
        SELECT id, 'in' AS x FROM given SEMI JOIN few USING (grp, s)
        UNION ALL SELECT id, 'out' FROM given ANTI JOIN few USING (grp, s)
        UNION ALL SELECT a.id, 'on' FROM given AS a SEMI JOIN few ON few.grp = a.grp AND few.s > a.s""",
    "asof joins": """
        SELECT a.id, b.id AS x FROM (SELECT id, grp, s FROM given) AS a
        ASOF INNER JOIN (SELECT id, grp, s FROM given) AS b ON b.grp = a.grp AND b.s = a.s AND b.id < a.id""",
    "asof joins forwards": """
        SELECT a.id, b.id AS x FROM given AS a ASOF INNER JOIN given AS b ON a.grp = b.grp AND a.id <= b.id""",
    "unions": "SELECT grp, s FROM given UNION SELECT grp, r FROM given UNION ALL SELECT i, s FROM given",
    "unions by name": """
        SELECT grp, s FROM given UNION ALL BY NAME SELECT r AS s, i AS grp FROM given
        UNION ALL BY NAME SELECT 'x' AS s, 1 AS grp""",
    "unions of queries with their own": """
        WITH a AS (SELECT id FROM given WHERE k), b AS (SELECT i::bigint AS id FROM given)
        SELECT * FROM a UNION ALL (WITH c AS (SELECT * FROM b) SELECT id FROM c)""",
    "queries of one value": """
        SELECT id, m > (SELECT max(m) FROM given WHERE k) AS x, (SELECT min(b.s)
        FROM given AS b WHERE b.grp = a.grp) AS y,
        EXISTS (SELECT b.id FROM given AS b WHERE b.i = a.j) AS z FROM given AS a""",
    "values": "SELECT id, pairs.x, pairs.y FROM given CROSS JOIN (VALUES ('a', 1), ('b', NULL)) AS pairs (x, y)",
    "recursion by keys": """
        WITH RECURSIVE links AS (SELECT i AS one, j AS other FROM given WHERE i IS NOT NULL AND j IS NOT NULL),
        known (one, least_one) USING KEY (one) AS (
            SELECT one, min(least(one, other)) FROM links GROUP BY one
            UNION (
                SELECT links.one, min(theirs.least_one)
                FROM links INNER JOIN recurring.known AS theirs ON theirs.one = links.other
                INNER JOIN recurring.known AS own ON own.one = links.one
                WHERE theirs.least_one < own.least_one AND EXISTS (SELECT one FROM known)
                GROUP BY links.one
            )
        )
        SELECT one, least_one FROM known""",
}
