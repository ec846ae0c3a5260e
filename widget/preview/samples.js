// What the preview answers, by the window's language: the answer, its source's title, and the text before the place.
export default {
  en: ["A sample answer, with the place where it was found.", "Where it was found", "Here stands the text around it."],
  de: ["Eine Beispielantwort, mit der Stelle, an der sie gefunden wurde.", "Fundstelle", "Hier steht der Text davor."],
  fr: ["Une réponse d’exemple, avec l’endroit où elle a été trouvée.", "Où elle a été trouvée", "Ici se trouve le texte qui l’entoure."],
  es: ["Una respuesta de ejemplo, con el lugar donde se encontró.", "Dónde se encontró", "Aquí está el texto que la rodea."],
  it: ["Una risposta di esempio, con il punto in cui è stata trovata.", "Dove è stata trovata", "Qui c’è il testo che la circonda."],
  pt: ["Uma resposta de exemplo, com o lugar onde foi encontrada.", "Onde foi encontrada", "Aqui está o texto à sua volta."],
  nl: ["Een voorbeeldantwoord, met de plaats waar het gevonden is.", "Waar het gevonden is", "Hier staat de tekst eromheen."],
  pl: ["Przykładowa odpowiedź wraz z miejscem, w którym ją znaleziono.", "Gdzie ją znaleziono", "Tutaj jest tekst wokół niej."],
  tr: ["Bulunduğu yerle birlikte örnek bir yanıt.", "Bulunduğu yer", "Çevresindeki metin burada yer alır."],
  ru: ["Пример ответа с указанием места, где он найден.", "Где он найден", "Здесь стоит окружающий текст."],
  ar: ["إجابة نموذجية مع الموضع الذي وُجدت فيه.", "الموضع الذي وُجدت فيه", "هنا النص المحيط بها."],
  he: ["תשובה לדוגמה, עם המקום שבו נמצאה.", "המקום שבו נמצאה", "כאן נמצא הטקסט שסביבה."],
  zh: ["这是一个示例回答，并附有其出处。", "出处", "这里是前后的文字。"],
  ja: ["回答の例です。見つかった場所も示します。", "見つかった場所", "ここに前後の文章が入ります。"],
};
