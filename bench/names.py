"""Names as varied as a clinic's: common ones first, because the generator gives the first ones to more people.

Written for this benchmark and composed of syllables; nobody's list was copied and no person is meant.
"""

from __future__ import annotations

from itertools import product

_ONE_WORD = """
García Smith Hernández Johnson Martínez Nguyen López Williams González Brown Rodríguez Jones Pérez Miller Sánchez Davis Ramírez
Anderson Torres Wilson Flores Taylor Rivera Thomas Gómez Moore Díaz Jackson Reyes Martin Cruz Lee Morales Thompson Ortiz White Gutiérrez
Harris Chávez Clark Ramos Lewis Ruiz Robinson Álvarez Walker Mendoza Young Vásquez Allen Castillo King Jiménez Wright Moreno Scott Romero
Hill Herrera Green Medina Adams Aguilar Nelson Vargas Baker Castro Hall Méndez Campbell Guzmán Mitchell Fernández Carter Muñoz Roberts
Salazar Phillips Soto Evans Delgado Turner Peña Parker Ríos Edwards Alvarado Collins Sandoval Stewart Contreras Morris Valdez Murphy
Guerrero Cook Ortega Rogers Estrada Morgan Núñez Peterson Maldonado Cooper Vega Reed Acosta Bailey Espinoza Kelly Cortés Howard Juárez
Ward Cabrera Cox Ibarra Richardson Lara Wood Navarro Watson Rojas Brooks Serrano Bennett Molina Gray Padilla James Campos Hughes Miranda
Price Fuentes Myers Cervantes Long Rosales Foster Trujillo Sanders Barrera Ross Galván Powell Solís Sullivan Zúñiga Russell Ochoa Jenkins
Perry Zamora Butler Cárdenas Barnes Pacheco Fisher Meza Mohamed Abdi Hassan Ali Ahmed Warsame Farah Omar Jama Yusuf Osman Hussein Nur
Aden Xiong Vang Yang Moua Lor Thao Her Vue Tran Pham Huynh Phan Đặng Bùi Đỗ Hồ Chen Wang Li Zhang Liu Huang Wu Park Kim Choi Patel Singh
Sharma Khan O'Brien O'Connor O'Neill O'Malley O'Hara D'Angelo D'Amico McDonald McCarthy McKenzie MacDonald FitzGerald Müller Schröder
Schäfer Köhler Weiß Jäger Krüger Böhm Zimmermann Hoffmann Wójcik Kowalski Wiśniewski Dąbrowski Zieliński Szymański Woźniak Kozłowski
Nowak Novák Dvořák Černý Horváth Kovács Szabó Nagy Petrov Ivanov Sokolov Popov Volkov Sørensen Jørgensen Kjær Bjørk Åström Öberg Lindström
Hägglund Nyström Lefèvre Béchard Côté Gagné Bélanger Thériault Gonçalves Araújo Conceição Magalhães Simões Yılmaz Şahin Çelik Öztürk
Kılıç Smith-Jones Lee-Brown Saint-Pierre Abdul-Rahman Al-Hassan Ben-David Jean-Baptiste N'Diaye M'Baye
"""
_TWO_WORDS = [
    "De la Cruz",
    "De León",
    "Del Río",
    "Van der Berg",
    "Van Dyke",
    "Von Stein",
    "Le Blanc",
    "St. John",
    "La Rosa",
]

_GIVEN = """
María José Juan James Mary Fatima Mohamed Ana Luis John Patricia Carlos Jennifer Robert Linda Michael Elizabeth William Barbara David
Susan Richard Jessica Joseph Sarah Thomas Karen Jesús Carmen Miguel Rosa Antonio Guadalupe Francisco Juana Alejandro Margarita Pedro
Sofía Manuel Elena Jorge Lucía Ricardo Isabel Daniel Gabriela Andrés Verónica Raúl Ángela Óscar Mónica Rubén Inés Héctor Beatriz Martín
Adriana Javier Silvia Sergio Teresa Rafael Claudia Fernando Noemí Eduardo Rocío Roberto Yolanda Víctor Leticia Ramón Alicia Julio Diana
Arturo Irma Enrique Graciela Salvador Esperanza Adrián Araceli Iván Belén César Ximena Tomás Jazmín Joaquín Abril Nicolás Renée Agustín
Zoë Chloé Noël Anaïs Zoé Léa Théo Élise François Hélène André Geneviève Céline Jean-Luc Marie-Claire Anne-Marie Mary-Ann Ana-Lucía
D'Andre Ka'Mya Ja'Kari De'Shawn Hodan Amina Abdullahi Ayaan Sahra Halima Khadija Ifrah Deqa Ismail Yusuf Ibrahim Hamza Ayan Nimco Faduma
Mai Pa Kou Chue Tou Xai Mee Nou Bao Houa Linh Minh Thuỷ Hương Dũng Tuấn Lan Hoa Phúc Anh Wei Mei Jing Hao Yan Ling Min-Jun Ji-Woo Priya
Rahul Ananya Arjun Lakshmi Vikram Deepa Sanjay Olga Dmitri Svetlana Igor Nadia Boris Katya Viktor Łukasz Małgorzata Zofia Paweł Stanisław
Agnieszka Jiří Zdeněk Žofie Tomáš Søren Bjørn Åsa Ingrid Lars Astrid Nils Freya Björn Jürgen Käthe Günther Jörg Heidi Klaus Uwe Ursula
Giulia Matteo Chiara Paolo Francesca Luca Nicolò Deborah Mark Donna Paul Carol Steven Ruth Andrew Sharon Kenneth Michelle Joshua Laura
Kevin Brian Kimberly George Emily Timothy Ronald Amanda Jason Melissa Edward Jeffrey Stephanie Ryan Rebecca Jacob Gary Cynthia Nicholas
Kathleen Eric Amy Jonathan Stephen Anna Larry Pamela Justin Emma Scott Nicole Brandon Helen Benjamin Samantha Samuel Katherine Gregory
Christine Alexander Debra Patrick Rachel Frank Carolyn Raymond Janet Jack Dennis Catherine Jerry Heather Tyler Diane Aaron Olivia Julie
Adam Joyce Henry Victoria Nathan Kelly Douglas Christina Zachary Lauren Peter Joan Kyle Evelyn Walter Judith Ethan Megan Jeremy Cheryl
Harold Andrea Keith Hannah Christian Jacqueline Roger Martha Noah Gloria Gerald Terry Sean Ann Austin Madison Arthur Frances Lawrence
Kathryn Jesse Janice Dylan Jean Bryan Abigail Joe Alice Jordan Julia Billy Judy Bruce Sophia Albert Grace Willie Denise Gabriel Amber
Logan Doris Alan Marilyn Juliet Danielle Wayne Beverly Elijah Isabella Randy Theresa Ralph Natalie Roy Brittany Eugene Charlotte Vincent
Marie Russell Kayla Bobby Alexis Mason Lori Philip Tiffany
"""

_SYLLABLES = (
    # As in the north
    ("Ander Berg Carl Dahl Eck Falk Grim Holm Iver Jans Krist Lind Morg Nord Olm Pet Quin Ram Sand Thor Ulv Vall West York Zell",
     "son berg mark stad feld man wick ton ley ers strom quist gren holm lund sen well ford ridge haus"),
    # In the east
    ("Bar Bog Bor Cher Dan Dob Gor Grab Jan Kal Kam Kor Kras Kur Lis Mal Mar Mich Mil Niem Pan Paw Radz Rom Sad Sien Stan Tom Wal Zar",
     "owski icki enko czyk evich ov inski iak uk arz ewicz anek ecki orenko"),
    # On the islands
    (("Ash Black Brad Bram Brent Clay Cliff Cran Dal Eas Fair Farn Gold Graf Hal Ham Har Hay Hol Kirk Lang Led Mil New Nor Oak"
      " Pem Pres Rad Red Rock Row Ship Stan Strat Sut Thorn Wake Whit Win"),
     "bury by combe croft dale den don field ham hurst land ley low man mond more ridge sham shaw shire side stead stone ton wood"),
    # In the south
    (("Alb Bar Bell Bern Bianch Cam Cap Car Cast Conc Fab Ferr Font Gall Giord Lomb Mar Mont Mor Pag Pal Pell Ric Ross Sal"
      " Sant Tar Valent Vit Zan"),
     "ani ardi aro ati atti elli ero etti iello ini isi one otti ucci uzzi olo"),
    ("Ab Ad Bah Dah Dir Far Gab Gul Haj Ib Is Kad Khal Mah Mal Nas Qas Rah Sal Sam Shar Tah War Yas Zak",
     "alle an ani eed eh iye oor owe ud ullah ur ari idi aye"),
    ("Aya Fuji Hara Ishi Kawa Kita Kuro Matsu Mina Mori Naka Nishi Oka Saka Shima Taka Tana Ued Yama Yoshi",
     "da gawa hara hashi ka mi moto mura no saki shita ta uchi zawa"),
    ("Bour Char Chev Dem Des Dub Dup Fou Gau Gir Lam Lan Lav Mer Mont Per Pic Poi Rou Val",
     "ard aud bert chon din eau elle et ier in lier mont ot oux ret ville"),
)  # fmt: skip
_COMPOSED = [
    first + last for firsts, lasts in _SYLLABLES for first, last in product(firsts.split(), lasts.split())
]
FAMILY = list(dict.fromkeys([*_ONE_WORD.split(), *_TWO_WORDS, *_COMPOSED]))
GIVEN = list(dict.fromkeys(_GIVEN.split()))
