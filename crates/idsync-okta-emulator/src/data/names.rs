//! Names and words that people and groups are made of, from many languages, for a client must not assume that names are ASCII.

use std::sync::LazyLock;

/// Given names. The last ones write their marks as combining characters.
pub(super) static GIVEN: LazyLock<Vec<&str>> = LazyLock::new(|| {
    words(
        "
    Aaliyah | Abdul | Ada | Adaeze | Adrián | Agnieszka | Aiko | Aisha | Åke | Akira | Alba | Alejandro | Aleksandra | Alice |
    Álvaro | Amara | Amélie | Amina | Anaïs | Ananya | Anders | Andrea | Ángela | Anika | Anneliese | Antoine | António | Anya |
    Aoife | Arjun | Arvid | Astrid | Ayşe | Bai | Beatriz | Bilal | Birgitta | Bjørn | Blanca | Bogdan | Božena | Brandon | Brigid |
    Bruno | Calum | Camille | Carlos | Caoimhe | Cécile | Chantal | Charlotte | Chen | Chiara | Chinedu | Chloé | Çağla | Clara |
    Claire | Cormac | Dagmar | Dagný | Daniel | Daniela | Darius | Deepa | Dejan | Diego | Dilan | Dimitra | Dmitri | Domingo |
    Dóra | Đorđe | Dušan | Ebba | Édith | Eero | Efua | Eimear | Ekaterina | Elias | Élodie | Emeka | Emil | Emre | Enrique |
    Ermal | Esther | Étienne | Eun-ji | Eva | Fadi | Farah | Fatima | Federico | Fernanda | Ferran | Fiona | Florian | François |
    Françoise | Freya | Fumiko | Gabriela | Gábor | Georgi | Gerrit | Ghislaine | Giulia | Gonzalo | Graça | Grace | Guðrún |
    Gustav | Güler | Habib | Hakan | Halvard | Hamza | Hana | Hans-Peter | Haruka | Hedda | Heidi | Hélène | Henrik | Hiroshi |
    Hồng | Huda | Ibrahim | Ieva | Ignacio | Ilse | Imani | Inês | Ingrid | Ioana | Isabel | Ivan | Iwona | Jaakko | Jakob | Jana |
    Jānis | Jarosław | Javier | Jean-Luc | Jelena | Jens | Jin | João | Johanna | Jorge | José | Jürgen | Kadri | Kamala | Karim |
    Karolína | Kasimir | Katarzyna | Kateřina | Keiko | Kemal | Khadija | Kiran | Klára | Kofi | Krisztina | Kwame | Lærke | Laila |
    Lars | Laszlo | Leïla | Lena | Leszek | Li | Liam | Lidia | Lin | Liv | Lorenzo | Lucía | Ludmila | Łukasz | Maarten |
    Magdalena | Mai | Małgorzata | Manuel | Marek | Margrét | María | Márton | Mateo | Matthias | Maximilian | Mei | Mercedes |
    Mette | Michał | Miguel | Mihaela | Mikko | Milica | Minh | Miriam | Mohammed | Mónica | Murat | Nadia | Naoko | Nasrin |
    Natália | Niamh | Nicolás | Nikolai | Nils | Ning | Noémie | Nuria | Océane | Olaf | Olena | Oluwaseun | Omar | Oskar |
    Øystein | Paola | Pascal | Patrícia | Pavel | Pedro | Petra | Philippa | Pilar | Priya | Quentin | Rafael | Rahel | Rajesh |
    Ramón | Raphaël | Rasmus | Renata | Réka | René | Roisin | Rosalía | Rozálie | Ruth | Sadia | Salma | Samir | Saoirse | Sara |
    Satoshi | Sébastien | Selma | Şerif | Sergei | Shirin | Sigríður | Silvia | Simone | Sinéad | Siobhán | Siri | Sofía | Søren |
    Stanisław | Stefan | Sunita | Svetlana | Tadeusz | Takumi | Tamás | Tatiana | Teodor | Thandiwe | Théo | Thomas | Tiago |
    Tomáš | Tove | Uchenna | Ulla | Urška | Uxía | Valentina | Vasile | Věra | Veronika | Víctor | Vilde | Vincent | Wanjiru | Wei |
    Wiktoria | Xavier | Xiaoming | Ximena | Yasmin | Yevhen | Yiannis | Yoko | Yusuf | Yvonne | Zainab | Žaneta | Zeynep | Zoë |
    Zofia | Zsófia | 李 | 王 | 伟 | 芳 | さくら | 陽菜 | 민준 | 서연 | Jose\u{301} | Zoe\u{308} | A\u{30a}sa
    ",
    )
});

/// Family names.
pub(super) static FAMILY: LazyLock<Vec<&str>> = LazyLock::new(|| {
    words(
        "
    Abebe | Abrahamsson | Acosta | Adamski | Agarwal | Åkesson | Al-Farsi | Alonso | Álvarez | Amundsen | Andersson | Ångström |
    Antonescu | Aoki | Araújo | Árnason | Asante | Aydın | Bajwa | Baker | Balogh | Banerjee | Barbosa | Bařina | Bauer | Beaulieu |
    Bélanger | Benítez | Bergström | Bianchi | Bjarnason | Błaszczyk | Bøgh | Bonnet | Borges | Bouchard | Božić | Brandt | Braun |
    Bühler | Bui | Cabrera | Çelik | Cermák | Chatterjee | Chen | Chukwu | Clarke | Côté | Cruz | Csizmadia | Dąbrowski | Dahl |
    D'Angelo | Danjuma | De-la-Cruz | Delgado | Demir | Desrosiers | Diallo | Díaz | Đorđević | Dubois | Dvořák | Eðvarðsson |
    Egede | Eide | Eklund | Engström | Erdoğan | Eriksen | Esposito | Fábián | Faure | Fernández | Ferreira | Fischer | Fjeld |
    Fofana | Fontaine | Forsberg | Gagnon | Gallagher | García | Gärtner | Gashi | Georgiou | Ghosh | Giménez | Göransson |
    González | Grabowski | Grønlund | Grünwald | Guðmundsdóttir | Gupta | Gutiérrez | Haas | Hägglund | Halloran | Hansen |
    Hashimoto | Haugen | Hernández | Hoàng | Horváth | Højgaard | Hrubý | Huang | Ibáñez | Ibrahimović | Inoue | Ivanova |
    Jabłoński | Jansen | Janković | Jasiński | Jensen | Jiménez | Jóhannsson | Jørgensen | Jovanović | Jung | Kaczmarek | Kallio |
    Kaneko | Karlsson | Kaya | Kazlauskas | Keita | Khalil | Khan | Kiss | Kjær | Kobayashi | Kołodziej | König | Koskinen |
    Kovács | Kowalczyk | Kozák | Krajewski | Krämer | Kumar | Kurt | Kvåle | Lacroix | Lambert | Larsen | Lauritzen | Lefèvre |
    Lehtonen | Lemaître | Leung | Lévesque | Lindqvist | Lopes | López | Łuczak | Lund | Macdonald | Machado | Mäkinen | Malik |
    Marchand | Marković | Martínez | Mbeki | McCarthy | Meier | Mendoza | Meyer | Mikkelsen | Mishra | Moreau | Moreno | Mørk |
    Müller | Muñoz | Murphy | Mwangi | Nagy | Nakamura | Napoli | Ndiaye | Németh | Neumann | Nguyễn | Nilsson | Nowak | Núñez |
    O'Brien | O'Connor | O'Súilleabháin | Ødegård | Ōhashi | Okafor | Okonkwo | Olszewski | Öberg | Önal | Ortiz | Østergaard |
    Özdemir | Papadopoulos | Paquet | Patel | Pavlović | Pawłowski | Pereira | Pérez | Petrov | Pettersson | Phạm | Piątek |
    Popescu | Prieto | Procházka | Quispe | Ragnarsson | Raghavan | Ramírez | Rasmussen | Reyes | Ribeiro | Richter | Rodríguez |
    Romano | Rossi | Roux | Ruiz | Růžička | Rydberg | Rybář | Saito | Salonen | Sánchez | Santos | Sato | Schäfer | Schmidt |
    Schröder | Şahin | Şimşek | Silva | Singh | Škoda | Sjöberg | Skovgård | Smith | Sørensen | Sosa | Souza | Stępień | Strand |
    Suárez | Suzuki | Svendsen | Svoboda | Szabó | Szymański | Tanaka | Tessier | Thapa | Thorsen | Torres | Tóth | Tremblay |
    Třeštík | Turgut | Ueda | Ülker | Vaičiūnas | Van-den-Berg | Vargas | Vasseur | Vējonis | Velásquez | Vermeulen | Vesterinen |
    Vidal | Virtanen | Wagner | Wang | Weiß | Wiśniewski | Wójcik | Yamamoto | Yang | Yıldız | Yılmaz | Zając | Zapletal | Żak |
    Zhang | Zieliński | Zimmermann | Žižka | Zoltán | 李 | 王 | 陈 | 山田 | 佐藤 | 김 | 박 | Nun\u{303}ez | Mu\u{308}ller-Ba\u{302}ty
    ",
    )
});

/// Cities.
pub(super) static CITIES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    words(
        "
    Aarhus | Austin | Bengaluru | Bogotá | Brno | Bruxelles | București | Dublin | Gdańsk | Genève | Göteborg | Hà Nội | Kraków |
    København | Köln | Lagos | Leiden | Lisboa | London | Łódź | Málaga | Montréal | Nairobi | Oslo | Plzeň | Porto | Reykjavík |
    Rīga | São Paulo | Seattle | Singapore | Tallinn | Tartu | Tromsø | València | Zürich | 東京 | 서울
    ",
    )
});

/// Job titles.
pub(super) static TITLES: LazyLock<Vec<&str>> = LazyLock::new(|| {
    words(
        "
    Account Executive | Accountant | Analyst | Architect | Assistant | Buyer | Controller | Counsel | Data Scientist | Designer |
    Developer | Director | Engineer | Field Technician | Head of Operations | Intern | Manager | Nurse | Office Manager | Planner |
    Principal Engineer | Product Manager | Recruiter | Researcher | Sales Representative | Security Engineer | Support Agent |
    Team Lead | Translator | Vice President
    ",
    )
});

/// Departments.
pub(super) static DEPARTMENTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    words(
        "
    Accounting | Customer Care | Design | Engineering | Facilities | Field Service | Finance | Human Resources | IT | Legal |
    Logistics | Marketing | Operations | Procurement | Quality | Research | Sales | Security | Support | Treasury
    ",
    )
});

/// What a group is for, within a department.
pub(super) static TEAMS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    words(
        "
    Admins | Alumni | Approvers | Auditors | Builders | Contractors | Editors | Everyone in | Guests | Leads | Managers |
    New joiners | On call | Owners | Partners | Readers | Reviewers | Travellers | VPN | Writers
    ",
    )
});

fn words(text: &'static str) -> Vec<&'static str> {
    text.split('|').map(str::trim).collect()
}
