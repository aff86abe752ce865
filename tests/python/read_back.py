"""Reads an exported file with libraries that are not ours, and prints what they found as JSON.

    read_back.py csv|parquet|xlsx|gzip|zstd FILE

Values are printed as text, exactly as the library has them; types as the library calls them.
"""

import csv
import datetime
import decimal
import gzip
import json
import sys


def text(value):
    if value is None:
        return None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    return str(value)


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file, strict=True)
    return {"columns": header, "rows": rows}


def read_parquet(path):
    import duckdb
    import pyarrow.parquet

    table = pyarrow.parquet.read_table(path)
    rows = [[text(value) for value in row.values()] for row in table.to_pylist()]
    found = {
        "columns": table.schema.names,
        "types": [str(field.type) for field in table.schema],
        "rows": rows,
        "groups": pyarrow.parquet.ParquetFile(path).num_row_groups,
    }
    described = duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [path]).fetchall()
    found["duckdb_types"] = [column[1] for column in described]
    if "amount" in table.schema.names:
        query = "SELECT currency, sum(amount), count(*) FROM read_parquet(?) GROUP BY 1 ORDER BY 1"
        sums = duckdb.execute(query, [path]).fetchall()
        found["sums"] = [[currency, text(total), count] for currency, total, count in sums]
    return found


def read_xlsx(path):
    import openpyxl

    book = openpyxl.load_workbook(path)
    header, *rows = book.active.iter_rows()
    return {
        "sheets": book.sheetnames,
        "columns": [cell.value for cell in header],
        "rows": [[text(cell.value) for cell in row] for row in rows],
        "types": [[cell.data_type for cell in row] for row in rows],
        "quoted": [[bool(cell.quotePrefix) for cell in row] for row in rows],
        "formats": [[cell.number_format for cell in row] for row in rows],
    }


def read_gzip(path):
    with gzip.open(path) as file:
        return {"text": file.read().decode()}


def read_zstd(path):
    import pyarrow

    with pyarrow.input_stream(path, compression="zstd") as file:
        return {"text": file.read().decode()}


json.dump(globals()[f"read_{sys.argv[1]}"](sys.argv[2]), sys.stdout)
