"""The demo's patients, as data. Every name, number and fact is invented; phones are from the fictional 555-01xx block."""

from __future__ import annotations

from datetime import date

# Those the tasks name: family, given, birth date, sex, language, site, coordinator, tier
NAMED = [
    ("Ramírez", "Elena", date(1958, 3, 14), "female", "es", "R", "dana", 4),
    ("Ramírez", "Elina", date(1990, 9, 2), "female", "es", "R", "marcus", 1),
    ("Alvarez", "Maria", date(1959, 5, 9), "female", "es", "R", "dana", 4),
    ("Alvarez", "Luis", date(1956, 12, 1), "male", "es", "R", "dana", 2),
    ("Kowalski", "Daniel", date(1971, 7, 2), "male", "en", "R", "dana", 2),
    ("Kowalski", "Daniela", date(1971, 7, 20), "female", "en", "R", "marcus", 2),
    ("Johansson", "Brita", date(1944, 10, 30), "female", "en", "R", "dana", 4),
    ("Abdi", "Hodan", date(1966, 1, 9), "female", "so", "R", "dana", 3),
    ("Tran", "Minh-Chau", date(1983, 5, 21), "female", "vi", "R", "dana", 3),
    ("Olsen", "Gerald", date(1949, 2, 11), "male", "en", "R", "dana", 2),
    ("Washington", "Keisha", date(1990, 8, 19), "female", "en", "R", "dana", 3),
    ("Begay", "Harold", date(1957, 12, 3), "male", "en", "R", "dana", 4),
    ("Fitzpatrick", "Maeve", date(1951, 4, 27), "female", "en", "R", "dana", 3),
    ("Hernandez", "Rosa", date(1962, 6, 8), "female", "es", "R", "dana", 2),
    ("Nguyen", "Thuy", date(1953, 11, 2), "female", "vi", "R", "dana", 3),
    ("Peterson", "Alan", date(1946, 9, 17), "male", "en", "R", "dana", 4),
    ("Xiong", "Pao", date(1960, 3, 3), "male", "hmn", "R", "dana", 2),
    ("Coleman", "Denise", date(1970, 1, 25), "female", "en", "R", "dana", 2),
    ("Martinez", "Jorge", date(1979, 8, 14), "male", "es", "R", "dana", 1),
    ("Larson", "Ingrid", date(1942, 5, 5), "female", "en", "R", "dana", 3),
    ("Brown", "Terrence", date(1955, 10, 1), "male", "en", "R", "dana", 3),
    ("Schmidt", "Lorraine", date(1938, 7, 30), "female", "en", "R", "dana", 3),
    ("Okonkwo", "Adaeze", date(1974, 2, 20), "female", "en", "R", "dana", 1),
    ("Jenkins", "Walter", date(1959, 4, 9), "male", "en", "R", "dana", 2),
    ("Ali", "Fadumo", date(1988, 9, 12), "female", "so", "R", "dana", 2),
    ("Vang", "Mai", date(1967, 12, 19), "female", "hmn", "R", "dana", 2),
    ("Gutierrez", "Manuel", date(1950, 1, 17), "male", "es", "R", "dana", 3),
    ("Anderson", "June", date(1943, 6, 23), "female", "en", "R", "dana", 3),
    ("Dubois", "Marcel", date(1964, 3, 28), "male", "fr", "R", "dana", 2),
    ("Hassan", "Omar", date(1972, 11, 11), "male", "so", "R", "dana", 1),
    ("Novak", "Pavel", date(1968, 10, 6), "male", "en", "R", "dana", 1),
    ("Thompson", "Ray", date(1961, 5, 13), "male", "en", "R", "dana", 2),
    ("Ibarra", "Celia", date(1956, 8, 1), "female", "es", "R", "dana", 2),
    ("Meyer", "Helmut", date(1937, 2, 2), "male", "en", "R", "dana", 3),
    ("Rossi", "Carla", date(1985, 7, 18), "female", "en", "R", "dana", 2),
    ("Mohamed", "Sahra", date(1992, 1, 30), "female", "so", "R", "dana", 1),
    ("Evans", "Patrick", date(1969, 9, 29), "male", "en", "R", "dana", 1),
    ("Yang", "Bee", date(1948, 4, 16), "male", "hmn", "R", "dana", 3),
]

# How many more each coordinator has, by tier (low, rising, high, intensive), and at which site.
MORE = [
    ("marcus", "R", (4, 5, 13, 17)),
    ("luz", "N", (2, 6, 14, 23)),
    ("priya", "N", (6, 5, 2, 1)),
    ("", "R", (2, 1, 0, 0)),
    ("", "N", (1, 1, 0, 0)),
]

# language, share of the clinic, family names, women's and men's given names
NAMES = [
    (
        "en",
        12,
        ["Carlson", "Hughes", "Bergstrom", "Walker", "Dahl", "Freeman", "Lindgren", "Murphy", "Price", "Swenson"],
        ["Alice", "Bernice", "Cora", "Dolores", "Esther", "Gladys", "Janet", "Lois", "Ruth", "Vera"],
        ["Arnold", "Clifford", "Dale", "Eugene", "Floyd", "Kenneth", "Leon", "Roy", "Stanley", "Vernon"],
    ),
    (
        "es",
        4,
        ["Castillo", "Fuentes", "Mendoza", "Ortiz", "Peña", "Salazar"],
        ["Beatriz", "Carmen", "Graciela", "Lucía", "Pilar"],
        ["Andrés", "Héctor", "Ignacio", "Ramón", "Tomás"],
    ),
    ("so", 2, ["Farah", "Jama", "Warsame", "Yusuf"], ["Amina", "Halima", "Ifrah"], ["Abdirahman", "Bile", "Guled"]),
    ("hmn", 2, ["Lee", "Moua", "Thao", "Vue"], ["Kia", "Mee", "Pa Houa"], ["Chue", "Kou", "Tou"]),
    ("vi", 1, ["Lê", "Phạm", "Võ"], ["Hạnh", "Lan", "Ngọc"], ["Dũng", "Hùng", "Sơn"]),
    ("ar", 1, ["Haddad", "Khalil", "Mansour"], ["Layla", "Nadia", "Salma"], ["Bassam", "Karim", "Yasin"]),
]  # fmt: skip

AREA_CODES = ("612", "651", "763", "952", "507", "218")
STREETS = [
    "Maple Street",
    "Lake Avenue",
    "Third Street North",
    "Prairie Lane",
    "Cedar Court",
    "Hillside Drive",
]
TOWNS = [("Riverbend", "55401"), ("Northgate", "55429"), ("Cedar Falls Township", "55369")]
PRONOUNS = ["she/her", "he/him", "they/them"]

PROBLEMS = [
    ("Type 2 diabetes", "E11.9"),
    ("High blood pressure", "I10"),
    ("Heart failure", "I50.22"),
    ("COPD", "J44.9"),
    ("Chronic kidney disease, stage 3a", "N18.31"),
    ("Depression, mild", "F32.0"),
    ("Knee arthritis", "M17.0"),
    ("Atrial fibrillation", "I48.91"),
    ("Asthma", "J45.909"),
    ("High cholesterol", "E78.5"),
]
ALLERGIES = [
    ("Penicillin", "Anaphylaxis", "severe"),
    ("Sulfa antibiotics", "Rash", "moderate"),
    ("Latex", "Hives", "moderate"),
    ("Peanuts", "Throat swelling", "severe"),
    ("Lisinopril", "Cough", "mild"),
    ("Codeine", "Nausea", "mild"),
]
MEDICINES = [
    ("Furosemide 40 mg", "2 times a day"),
    ("Metformin XR 1,000 mg", "with supper"),
    ("Carvedilol 12.5 mg", "2 times a day"),
    ("Atorvastatin 40 mg", "at bedtime"),
    ("Lisinopril 20 mg", "once a day"),
    ("Sertraline 50 mg", "once a day"),
    ("Apixaban 5 mg", "2 times a day"),
    ("Albuterol inhaler", "as needed"),
]
RESULTS = [
    ("Hemoglobin A1c", "4548-4", "%", (6.1, 10.4), 7.0),
    ("Systolic blood pressure", "8480-6", "mmHg", (112, 172), 140),
    ("Body weight", "29463-7", "lb", (118, 246), 999),
    ("eGFR", "33914-3", "mL/min", (38, 96), 999),
]
